import Kernels

/// Some dense queries, ready to be compared with documents.
///
/// A score is one fused multiply-add after the other over the dimensions: the same bits in a search,
/// in re-ranking, and whatever the other queries and documents.
package struct DenseComparison: Sendable {
  package let count: Int
  private let dimension: Int
  private let similarity: Similarity
  private let kernels: Kernels
  private let packed: PackedMatrix

  /// Prepares queries[count, dimension].
  package init(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) {
    precondition(count > 0 && values.count % count == 0, "\(values.count) values, \(count) queries")
    let dimension = values.count / count
    var values = values
    if similarity == .cosine { Self.bringToUnitLength(&values, dimension: dimension, kernels) }
    packed = values.withUnsafeBufferPointer { buffer in
      PackedMatrix(
        buffer.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension, kernels: kernels)
    }
    self.count = count
    self.dimension = dimension
    self.similarity = similarity
    self.kernels = kernels
  }

  /// Brings vectors to unit length, as both sides of a cosine are.
  package static func bringToUnitLength(
    _ values: inout [Float], dimension: Int, _ kernels: Kernels
  ) {
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      bringToUnitLength(
        MutableMatrixView(base, rows: buffer.count / dimension, columns: dimension), kernels)
    }
  }

  /// Brings rows to unit length, as both sides of a cosine are.
  package static func bringToUnitLength(_ rows: MutableMatrixView, _ kernels: Kernels) {
    kernels.l2NormalizeRows(rows.view, epsilon: epsilon, into: rows)
  }

  /// Smallest length that a vector is divided by, as torch.nn.functional.normalize has it.
  private static let epsilon: Float = 1e-12

  /// Fills scores[documents, queries]; `scratch` is room for the documents, which may be where they
  /// lie.
  package func score(
    _ documents: MatrixView, scratch: AlignedBuffer, into scores: MutableMatrixView
  ) {
    switch similarity {
    case .dot: kernels.multiply(documents, packed, into: scores)
    case .cosine:
      let unit = scratch.matrix(rows: documents.rows, columns: dimension)
      kernels.l2NormalizeRows(documents, epsilon: Self.epsilon, into: unit)
      kernels.multiply(unit.view, packed, into: scores)
    case .l2: kernels.negativeDistances(documents, packed, into: scores)
    }
  }

  /// Fills maxima[sequences, queries] with the largest product or cosine of each sequence of documents.
  ///
  /// - Parameters:
  ///   - documents: All of them.
  ///   - offsets: The row at which each sequence begins, and that at which the last one ends; none is
  ///     empty.
  ///   - scratch: Room for the documents, where cosines are asked for.
  ///   - maxima: Not a number where one of the scores is none.
  package func maxima(
    _ documents: MatrixView, offsets: [Int], scratch: AlignedBuffer,
    into maxima: MutableMatrixView
  ) {
    precondition(similarity != .l2, "maxima of distances")
    guard similarity == .cosine else {
      return kernels.multiplyMax(documents, packed, offsets: offsets, into: maxima)
    }
    let unit = scratch.matrix(rows: documents.rows, columns: dimension)
    kernels.l2NormalizeRows(documents, epsilon: Self.epsilon, into: unit)
    kernels.multiplyMax(unit.view, packed, offsets: offsets, into: maxima)
  }
}
