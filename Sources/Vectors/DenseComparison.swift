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
  private let form: Form

  private enum Form: Sendable {
    /// A query as it is, whose products need no tiles.
    case one([Float])
    case packed(PackedMatrix)
  }

  /// Prepares queries[count, dimension].
  package init(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) {
    precondition(count > 0 && values.count % count == 0, "\(values.count) values, \(count) queries")
    let dimension = values.count / count
    var values = values
    if similarity == .cosine { Self.bringToUnitLength(&values, dimension: dimension, kernels) }
    form =
      count == 1 && similarity != .l2
      ? .one(values) : .packed(Self.packed(values, count: count, kernels))
    self.count = count
    self.dimension = dimension
    self.similarity = similarity
    self.kernels = kernels
  }

  private static func packed(_ values: [Float], count: Int, _ kernels: Kernels) -> PackedMatrix {
    values.withUnsafeBufferPointer { buffer in
      PackedMatrix(
        buffer.baseAddress.unsafelyUnwrapped, rows: count, columns: values.count / count,
        kernels: kernels)
    }
  }

  /// Takes queries that are packed already; of cosines, of unit length.
  package init(_ packed: PackedMatrix, _ similarity: Similarity, _ kernels: Kernels) {
    form = .packed(packed)
    count = packed.rows
    dimension = packed.columns
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
    var documents = documents
    if similarity == .cosine {
      let unit = scratch.matrix(rows: documents.rows, columns: dimension)
      kernels.l2NormalizeRows(documents, epsilon: Self.epsilon, into: unit)
      documents = unit.view
    }
    switch form {
    case .packed(let packed) where similarity == .l2:
      kernels.negativeDistances(documents, packed, into: scores)
    case .packed(let packed): kernels.multiply(documents, packed, into: scores)
    case .one(let query):
      precondition(
        documents.columns == dimension && scores.columns == 1 && scores.stride == 1
          && scores.rows == documents.rows, "scores of \(documents.rows) documents")
      kernels.multiply(query, documents, into: scores.base)
    }
  }

  /// Fills scores[places] with those of some documents for the only query, which are read where they lie.
  ///
  /// - Parameters:
  ///   - documents: All documents.
  ///   - rows: Which of them.
  ///   - scratch: Room for as many vectors.
  ///   - scores: Room for as many.
  /// - Returns: False where they must be gathered first; nothing is computed then.
  package func score(
    _ documents: MatrixView, at rows: UnsafeBufferPointer<Int32>, scratch: AlignedBuffer,
    into scores: AlignedBuffer
  ) -> Bool {
    guard case .one(let query) = form, documents.columns == dimension else { return false }
    for row in rows {
      precondition(row >= 0 && Int(row) < documents.rows, "document \(row) of \(documents.rows)")
    }
    guard similarity == .cosine else {
      kernels.multiply(query, documents, at: rows, into: scores.pointer)
      return true
    }
    for row in rows.prefix(Self.ahead) { fetch(documents, row) }
    for place in rows.indices {
      if place + Self.ahead < rows.count { fetch(documents, rows[place + Self.ahead]) }
      kernels.l2NormalizeRows(
        documents.rows(Int(rows[place])..<Int(rows[place]) + 1), epsilon: Self.epsilon,
        into: MutableMatrixView(scratch.pointer + place * dimension, rows: 1, columns: dimension))
    }
    kernels.multiply(
      query, MatrixView(scratch.pointer, rows: rows.count, columns: dimension),
      into: scores.pointer)
    return true
  }

  /// Documents that are asked for before they are read.
  private static let ahead = 4

  private func fetch(_ documents: MatrixView, _ row: Int32) {
    Kernels.prefetch(
      documents.base + Int(row) * documents.stride, dimension * MemoryLayout<Float>.stride)
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
    let packed =
      switch form {
      case .packed(let packed): packed
      case .one(let query): Self.packed(query, count: 1, kernels)
      }
    guard similarity == .cosine else {
      return kernels.multiplyMax(documents, packed, offsets: offsets, into: maxima)
    }
    let unit = scratch.matrix(rows: documents.rows, columns: dimension)
    kernels.l2NormalizeRows(documents, epsilon: Self.epsilon, into: unit)
    kernels.multiplyMax(unit.view, packed, offsets: offsets, into: maxima)
  }
}
