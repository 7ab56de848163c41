import Autograd
import Failures
import Kernels

/// RoBERTa and XLM-RoBERTa: BERT whose positions begin behind the padding token's id.
///
/// Liu et al., arXiv:1907.11692; Conneau et al., arXiv:1911.02116; transformers
/// `models/roberta/modeling_roberta.py`.
package struct Roberta: Backbone, Layered {
  package let vocabularySize: Int
  package let maximumTokens: Int
  package let segmentCount: Int
  let shape: EncoderShape
  package let wordEmbeddings: Parameter
  private let paddingID: Int
  private let positionEmbeddings: Parameter
  private let typeEmbeddings: Parameter
  private let embeddingNorm: LayerNorm
  private let encoder: PostNormEncoder

  /// Reads the backbone of a folder; `weights` holds `embeddings` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    vocabularySize = try folder.integer("vocab_size")
    let positions = try folder.integer("max_position_embeddings")
    paddingID = try folder.integer("pad_token_id", default: 1)
    maximumTokens = positions - paddingID - 1
    guard paddingID >= 0, maximumTokens > 0 else {
      throw .config(
        folder.configPlace, "pad_token_id \(paddingID) leaves none of \(positions) positions")
    }
    segmentCount = try folder.integer("type_vocab_size", default: 2)
    shape = try EncoderShape(bertLike: folder)
    let width = shape.width
    let embeddings = weights("embeddings")
    wordEmbeddings = try embeddings.parameter("word_embeddings.weight", [vocabularySize, width])
    positionEmbeddings = try embeddings.parameter("position_embeddings.weight", [positions, width])
    typeEmbeddings = try embeddings.parameter(
      "token_type_embeddings.weight", [segmentCount, width])
    embeddingNorm = try embeddings.layerNorm(
      "LayerNorm", width: width, epsilon: shape.layerNormEpsilon)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    let x = o.embed(
      batch, word: wordEmbeddings, type: typeEmbeddings,
      positions: PositionTable(positionEmbeddings, batch.positions(padding: Int32(paddingID))))
    return encoder(o.layerNorm(x, embeddingNorm), batch, o)
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
