import Autograd
import Failures
import Kernels

/// RoBERTa and XLM-RoBERTa: BERT whose positions begin behind the padding token's id.
///
/// Liu et al., arXiv:1907.11692; Conneau et al., arXiv:1911.02116; transformers
/// `models/roberta/modeling_roberta.py`.
package struct Roberta: Backbone, PostNormBackbone {
  package let maximumTokens: Int
  package let segmentCount: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let paddingID: Int
  private let encoder: PostNormEncoder

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    let positions = try folder.integer("max_position_embeddings")
    paddingID = try folder.integer("pad_token_id", default: 1)
    maximumTokens = positions - paddingID - 1
    guard paddingID >= 0, maximumTokens > 0 else {
      throw .config(
        folder.configPlace, "pad_token_id \(paddingID) leaves none of \(positions) positions")
    }
    segmentCount = try folder.integer("type_vocab_size", default: 2)
    shape = try EncoderShape(bertLike: folder)
    embeddings = try LearnedEmbeddings(
      folder, weights, positions: positions, segments: segmentCount, width: shape.width, shape)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(
      embeddings(batch, batch.positions(padding: Int32(paddingID)), o), batch, onlyFirst: onlyFirst,
      o)
  }
}

extension PackedBatch {
  /// Positions that begin behind `padding`; a padding token in a text has the position `padding`
  /// and takes none.
  func positions(padding: Int32) -> [Int32] {
    var positions: [Int32] = []
    positions.reserveCapacity(tokens)
    for sequence in 0..<sequences {
      var next = padding
      for id in ids[range(sequence)] {
        if id != padding { next += 1 }
        positions.append(id == padding ? padding : next)
      }
    }
    return positions
  }
}
