import Kernels
import Vectors

/// The vectors of one query as bytes.
struct PlaidQuery {
  /// Number of its vectors, at least one.
  let count: Int
  /// Numbers from one line of scores to the next.
  let stride: Int
  let bytes: ByteQueries
  /// Squares of the vectors' lengths.
  let squares: [Float]

  init(_ values: [Float], width: Int, _ similarity: Similarity, _ kernels: Kernels) {
    var values = values
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, kernels)
    }
    count = values.count / width
    stride = (count + 15) / 16 * 16
    bytes = ByteQueries(values, count: count, similarity, kernels)
    squares = bytes.proof.norms.map { $0 * $0 }
  }

  /// At least the length of each vector's code.
  var lengths: [Float] {
    let slack = 1 + Float(bytes.matrix.columns).squareRoot() / 254 + 0x1p-16
    return bytes.proof.norms.map { $0 * slack }
  }

  /// The score of a maximum of what documents' vectors are ranked by.
  func score(_ vector: Int, _ maximum: Float, _ similarity: Similarity) -> Float {
    guard similarity == .l2 else { return maximum }
    return -max(0, squares[vector] - 2 * maximum).squareRoot()
  }

  /// What documents' vectors are ranked by where their score is some number.
  func rank(_ vector: Int, score: Float, _ similarity: Similarity) -> Float {
    guard similarity == .l2 else { return score }
    return (squares[vector] - score * score) / 2
  }
}
