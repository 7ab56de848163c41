import Autograd
import Failures
import Kernels

/// DistilBERT: BERT without token types, under names of its own.
///
/// Sanh et al., arXiv:1910.01108; transformers `models/distilbert/modeling_distilbert.py`.
package struct DistilBert: Backbone, PostNormBackbone {
  /// The model has no field for it.
  private static let layerNormEpsilon = 1e-12

  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  private static let names = PostNormEncoder.Names(
    layer: "transformer.layer",
    projections: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
    intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm")

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `transformer`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    maximumTokens = try folder.integer("max_position_embeddings")
    shape = try EncoderShape(
      width: try folder.integer("dim"), layers: try folder.integer("n_layers"),
      heads: try folder.integer("n_heads"), intermediateWidth: try folder.integer("hidden_dim"),
      activation: try ActivationName.parse(
        try folder.string("activation", default: "gelu") ?? "gelu", at: folder.configPlace),
      layerNormEpsilon: Self.layerNormEpsilon,
      dropout: DropoutRates(
        hidden: try folder.rate("dropout"), attention: try folder.rate("attention_dropout"),
        attentionOutput: 0),
      place: folder.configPlace)
    embeddings = try LearnedEmbeddings(
      folder, weights, positions: maximumTokens, segments: nil, width: shape.width, shape)
    encoder = try PostNormEncoder(shape, Self.names, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(embeddings(batch, batch.positions, o), batch, onlyFirst: onlyFirst, o)
  }
}
