import Autograd
import Failures
import Kernels

/// ELECTRA's discriminator: BERT whose embeddings may be narrower than its layers.
///
/// Clark et al., arXiv:2003.10555; transformers `models/electra/modeling_electra.py`.
package struct Electra: Backbone, PostNormBackbone {
  package let maximumTokens: Int
  package let segmentCount: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  /// Nil where the embeddings are as wide as the layers.
  private let projection: Linear?
  private let encoder: PostNormEncoder

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    maximumTokens = try folder.integer("max_position_embeddings")
    segmentCount = try folder.integer("type_vocab_size", default: 2)
    shape = try EncoderShape(bertLike: folder)
    let narrow = try folder.integer("embedding_size", default: 128)
    embeddings = try LearnedEmbeddings(
      folder, weights, positions: maximumTokens, segments: segmentCount, width: narrow, shape)
    projection =
      narrow == shape.width
      ? nil : try weights.linear("embeddings_project", inputs: narrow, outputs: shape.width)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = embeddings(batch, batch.positions, o)
    if let projection { x = o.linear(x, projection) }
    return encoder(x, batch, onlyFirst: onlyFirst, o)
  }
}
