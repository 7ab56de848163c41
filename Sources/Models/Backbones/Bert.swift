import Autograd
import Failures
import Kernels

/// BERT: post-norm transformer encoder with learned positions.
///
/// Devlin et al., arXiv:1810.04805; transformers `models/bert/modeling_bert.py`.
package struct Bert: Backbone, PostNormBackbone {
  package let maximumTokens: Int
  package let segmentCount: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    maximumTokens = try folder.integer("max_position_embeddings")
    segmentCount = try folder.integer("type_vocab_size", default: 2)
    shape = try EncoderShape(bertLike: folder)
    embeddings = try LearnedEmbeddings(
      folder, weights, positions: maximumTokens, segments: segmentCount, width: shape.width, shape)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(embeddings(batch, batch.positions, o), batch, onlyFirst: onlyFirst, o)
  }
}

extension ModelFolder {
  /// A share of elements that training drops; 0.1 where the configuration is silent, as the
  /// configuration classes of transformers have it.
  func rate(_ key: String, default fallback: Double = 0.1) throws(Failure) -> Float {
    let rate = try double(key, default: fallback)
    guard rate >= 0, rate < 1 else {
      throw .config(configPlace, "\(key): expected at least 0 and less than 1, found \(rate)")
    }
    return Float(rate)
  }
}

extension EncoderShape {
  /// The fields of BERT's configuration and of those that took them over.
  init(bertLike folder: ModelFolder) throws(Failure) {
    let positions = try folder.string("position_embedding_type", default: "absolute")
    guard positions == "absolute" || positions == nil else {
      throw .config(
        folder.configPlace, "position_embedding_type \(positions ?? "") is not supported")
    }
    let hidden = try folder.rate("hidden_dropout_prob")
    try self.init(
      width: try folder.integer("hidden_size"), layers: try folder.integer("num_hidden_layers"),
      heads: try folder.integer("num_attention_heads"),
      intermediateWidth: try folder.integer("intermediate_size"),
      activation: try ActivationName.parse(
        try folder.string("hidden_act", default: "gelu") ?? "gelu", at: folder.configPlace),
      layerNormEpsilon: try folder.double("layer_norm_eps", default: 1e-12),
      dropout: DropoutRates(
        hidden: hidden, attention: try folder.rate("attention_probs_dropout_prob"),
        attentionOutput: hidden),
      place: folder.configPlace)
  }
}
