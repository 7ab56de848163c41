import Autograd
import Failures
import Kernels

/// MPNet: RoBERTa's positions without token types, and a bias by the distance of two tokens.
///
/// Song et al., arXiv:2004.09297; transformers `models/mpnet/modeling_mpnet.py`.
package struct MPNet: Backbone, PostNormBackbone {
  /// Whatever the configuration says.
  private static let paddingID: Int32 = 1
  private static let buckets = 32
  private static let maximumDistance = 128

  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  private static let names = PostNormEncoder.Names(
    layer: "encoder.layer",
    projections: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm",
    intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    let positions = try folder.integer("max_position_embeddings")
    maximumTokens = positions - Int(Self.paddingID) - 1
    guard maximumTokens > 0 else {
      throw .config(folder.configPlace, "max_position_embeddings \(positions) is too small")
    }
    let buckets = try folder.integer("relative_attention_num_buckets", default: Self.buckets)
    guard buckets == Self.buckets else {
      throw .config(
        folder.configPlace,
        "relative_attention_num_buckets \(buckets) is not supported: the model uses \(Self.buckets)"
      )
    }
    shape = try EncoderShape(bertLike: folder)
    embeddings = try LearnedEmbeddings(
      folder, weights, positions: positions, segments: nil, width: shape.width, shape)
    let table = try weights.parameter(
      "encoder.relative_attention_bias.weight", [buckets, shape.heads])
    encoder = try PostNormEncoder(
      shape, Self.names, weights,
      attention: AttentionOptions(
        relative: RelativePositions(table: table, maximumDistance: Self.maximumDistance)))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(
      embeddings(batch, batch.positions(padding: Self.paddingID), o), batch, onlyFirst: onlyFirst, o
    )
  }
}
