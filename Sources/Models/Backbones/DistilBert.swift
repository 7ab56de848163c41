import Autograd
import Failures
import Kernels

/// DistilBERT: BERT without token types, under names of its own.
///
/// Sanh et al., arXiv:1910.01108; transformers `models/distilbert/modeling_distilbert.py`.
package struct DistilBert: Backbone, Layered {
  /// The model has no field for it.
  private static let layerNormEpsilon = 1e-12

  package let vocabularySize: Int
  package let maximumTokens: Int
  let shape: EncoderShape
  package let wordEmbeddings: Parameter
  private let positionEmbeddings: Parameter
  private let embeddingNorm: LayerNorm
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
    vocabularySize = try folder.integer("vocab_size")
    maximumTokens = try folder.integer("max_position_embeddings")
    shape = try EncoderShape(
      width: try folder.integer("dim"), layers: try folder.integer("n_layers"),
      heads: try folder.integer("n_heads"), intermediateWidth: try folder.integer("hidden_dim"),
      activation: try ActivationName.parse(
        try folder.string("activation", default: "gelu") ?? "gelu", at: folder.configPlace),
      layerNormEpsilon: Self.layerNormEpsilon, place: folder.configPlace)
    let embeddings = weights("embeddings")
    wordEmbeddings = try embeddings.parameter(
      "word_embeddings.weight", [vocabularySize, shape.width])
    positionEmbeddings = try embeddings.parameter(
      "position_embeddings.weight", [maximumTokens, shape.width])
    embeddingNorm = try embeddings.layerNorm(
      "LayerNorm", width: shape.width, epsilon: shape.layerNormEpsilon)
    encoder = try PostNormEncoder(shape, Self.names, weights)
  }

  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    let x = o.embed(
      batch, word: wordEmbeddings, type: nil,
      positions: PositionTable(positionEmbeddings, batch.positions))
    return encoder(o.layerNorm(x, embeddingNorm), batch, o)
  }
}
