import Autograd
import Failures
import Kernels

/// A transformer that turns tokens into one vector each.
///
/// A new one is one file beside this one and a case of `BackboneLoader`.
package protocol Backbone: Sendable {
  var shape: EncoderShape { get }
  var vocabularySize: Int { get }
  /// Segments that tokens may belong to.
  var segmentCount: Int { get }
  /// Longest sequence that has positions.
  var maximumTokens: Int { get }
  /// word[V,D], which masked language model heads share.
  var wordEmbeddings: Parameter { get }

  /// Hidden states of the last layer, [T,D].
  func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value
}

extension Backbone {
  /// D.
  package var width: Int { shape.width }
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
  static let supported = ["bert", "distilbert", "electra"]

  static func load(
    _ type: String, _ folder: ModelFolder, _ checkpoint: Checkpoint
  ) throws(Failure) -> any Backbone {
    guard supported.contains(type) else {
      throw .config(
        folder.configPlace, "backbone \(type) is not supported",
        hint: "supported: \(supported.joined(separator: ", "))")
    }
    let suffix = "embeddings.word_embeddings.weight"
    // Checkpoints differ in what they put in front: nothing, `bert.`, `model.`.
    guard let name = checkpoint.names.first(where: { $0.hasSuffix(suffix) }) else {
      throw .config(folder.path, "tensor \(suffix) is missing")
    }
    let scope = WeightScope(checkpoint, prefix: String(name.dropLast(suffix.count)))
    checkpoint.ignore { $0.hasSuffix("embeddings.position_ids") }
    switch type {
    case "distilbert": return try DistilBert(folder, scope)
    case "electra": return try Electra(folder, scope)
    default: return try Bert(folder, scope)
    }
  }
}
