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
      folder, weights, positions: maximumTokens, segments: segmentCount, width: shape.width,
      epsilon: shape.layerNormEpsilon)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    encoder(embeddings(batch, batch.positions, o), batch, o)
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
    try self.init(
      width: try folder.integer("hidden_size"), layers: try folder.integer("num_hidden_layers"),
      heads: try folder.integer("num_attention_heads"),
      intermediateWidth: try folder.integer("intermediate_size"),
      activation: try ActivationName.parse(
        try folder.string("hidden_act", default: "gelu") ?? "gelu", at: folder.configPlace),
      layerNormEpsilon: try folder.double("layer_norm_eps", default: 1e-12),
      place: folder.configPlace)
  }
}
