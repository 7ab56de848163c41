import Autograd
import Failures
import Kernels

/// A transformer that turns tokens into vectors.
///
/// A new one is one file beside this one and a case of `BackboneLoader`.
package protocol Backbone: Sendable {
  /// D.
  var width: Int { get }
  var vocabularySize: Int { get }
  /// Segments that tokens may belong to.
  var segmentCount: Int { get }
  /// Longest sequence that has positions.
  var maximumTokens: Int { get }
  /// word[V,D], which masked language model heads share.
  var wordEmbeddings: Parameter { get }
  /// Activation function of the layers.
  var activation: Activation { get }
  /// Of the normalisations.
  var normEpsilon: Double { get }
  /// Whether there is one hidden state a sequence, made by a decoder, instead of one a token.
  var decodes: Bool { get }

  /// Hidden states of the last layer, [T,D], or [B,D] of a decoder.
  ///
  /// `onlyFirst`: only those of the first token of each sequence, [B,D]: the last layer computes no
  /// more. Not on a tape, nor for sets; a decoder takes no notice.
  func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value
}

extension Backbone {
  /// Hidden states of the last layer, [T,D], or [B,D] of a decoder.
  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    self(batch, onlyFirst: false, o)
  }

  package var decodes: Bool { false }
}

/// Names of activation functions as configurations give them.
enum ActivationName {
  static func parse(_ name: String, at place: String) throws(Failure) -> Activation {
    switch name {
    case "gelu", "gelu_python": .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": .geluTanh
    case "relu": .relu
    case "tanh": .tanh
    default: throw .config(place, "activation \(name) is not supported")
    }
  }
}

/// Finds a folder's backbone and reads its weights.
enum BackboneLoader {
  /// Backbones of this release, as `model_type` or `backbone_model_type` name them.
  static let supported = [
    "bert", "distilbert", "electra", "roberta", "xlm-roberta", "mpnet", "modernbert", "t5",
  ]

  /// The word embeddings of each, of which one or the other is in every checkpoint.
  private static func wordNames(_ type: String) -> [String] {
    switch type {
    case "modernbert": ["embeddings.tok_embeddings.weight"]
    case "t5": ["shared.weight", "encoder.embed_tokens.weight"]
    default: ["embeddings.word_embeddings.weight"]
    }
  }

  /// Reads the weights of a folder's backbone.
  ///
  /// `scoresPairs`: whether the model is a cross-encoder, so that a decoder is run if there is one.
  /// `precisions`: of the linear layers.
  static func load(
    _ type: String, _ folder: ModelFolder, _ checkpoint: Checkpoint, scoresPairs: Bool,
    _ precisions: LayerPrecisions
  ) throws(Failure) -> any Backbone {
    guard supported.contains(type) else {
      throw .config(
        folder.configPlace, "backbone \(type) is not supported",
        hint: "supported: \(supported.joined(separator: ", "))")
    }
    let scope = try scope(type, folder, checkpoint, precisions)
    checkpoint.ignore { $0.hasSuffix("embeddings.position_ids") }
    switch type {
    case "distilbert": return try DistilBert(folder, scope)
    case "electra": return try Electra(folder, scope)
    case "roberta", "xlm-roberta": return try Roberta(folder, scope)
    case "mpnet": return try MPNet(folder, scope)
    case "modernbert": return try ModernBert(folder, scope)
    case "t5":
      let encoder = try T5Encoder(folder, scope)
      // The default of T5Config.
      guard scoresPairs, try folder.bool("is_encoder_decoder", default: true) else {
        return encoder
      }
      return try T5(encoder, folder, scope)
    default: return try Bert(folder, scope)
    }
  }

  /// Checkpoints differ in what they put in front: nothing, `bert.`, `model.`.
  private static func scope(
    _ type: String, _ folder: ModelFolder, _ checkpoint: Checkpoint, _ precisions: LayerPrecisions
  ) throws(Failure) -> WeightScope {
    let suffixes = wordNames(type)
    for suffix in suffixes {
      let found = checkpoint.names.first { $0 == suffix || $0.hasSuffix("." + suffix) }
      if let found {
        return WeightScope(
          checkpoint, prefix: String(found.dropLast(suffix.count)), precisions: precisions)
      }
    }
    throw .config(folder.path, "tensor \(suffixes[0]) is missing")
  }
}
