import Failures
import Kernels
import Vectors

/// Scores of documents' codes for one query, without decoding them: the score of a vector's centroid, and
/// the product of the query's bytes with the bytes that the code of the rest stands for.
///
/// Not `Sendable`: a worker has its own.
final class TokenScores {
  private let codebook: PlaidCodebook
  private let similarity: Similarity
  private let kernels: Kernels
  private let halfSquares: [Float]
  /// Vectors that are taken apart at a time, unless a document has more.
  private static let tile = 512
  private var capacity = 0
  private var bytes = UnsafeMutablePointer<Int8>.allocate(capacity: 1)
  private var lines: [Int32] = []
  private var starts = [0]
  private var numbers = AlignedBuffer(count: 0)
  private var maxima = AlignedBuffer(count: 0)

  init(_ codebook: PlaidCodebook, _ similarity: Similarity, _ kernels: Kernels) {
    self.codebook = codebook
    self.similarity = similarity
    self.kernels = kernels
    halfSquares = similarity == .l2 ? codebook.halfSquares : []
  }

  deinit { bytes.deallocate() }

  /// What stands for each vector of a tile: scale, factor, offset, and zeros.
  private enum Column: Int { case scale, factor, offset, zero }

  private func column(_ column: Column) -> UnsafeMutablePointer<Float> {
    numbers.pointer + column.rawValue * capacity
  }

  private func reserve(_ count: Int) {
    guard count > capacity else { return }
    precondition(lines.isEmpty, "a tile that has begun")
    capacity = max(count, Self.tile)
    bytes.deallocate()
    bytes = .allocate(capacity: capacity * codebook.codec.expanded)
    numbers = AlignedBuffer(count: 4 * capacity)
    column(.scale).update(repeating: codebook.codec.scale, count: capacity)
    column(.zero).update(repeating: 0, count: capacity)
  }

  /// The largest score of each of some documents for each vector of the query: what they are ranked by.
  ///
  /// - Parameters:
  ///   - documents: Of the segment.
  ///   - segment: Where their codes are.
  ///   - scores: The centroids' scores of the query.
  ///   - isMasked: Whether vectors of centroids that are not kept are passed over.
  ///   - body: Gets each document's place and its maxima, of which there are as many as vectors; -∞
  ///     where no vector was looked at.
  /// - Throws: 65 where a document's vectors are not there.
  func maxima(
    _ documents: [Int32], of segment: PlaidSegment, _ scores: CentroidScores,
    isMasked: Bool = false,
    _ body: (_ place: Int, UnsafePointer<Float>) -> Void
  ) throws(Failure) {
    var first = 0
    for (place, document) in documents.enumerated() {
      let rows = try segment.rows(Int(document))
      if lines.count + rows.count > Self.tile { flush(&first, place, scores, body) }
      reserve(rows.count)
      try add(rows, of: segment, scores, isMasked: isMasked)
      starts.append(lines.count)
    }
    flush(&first, documents.count, scores, body)
  }

  /// The scores of single vectors of some documents.
  ///
  /// - Parameters:
  ///   - documents: Of the segment.
  ///   - segment: Where their codes are.
  ///   - scores: The centroids' scores of the query.
  ///   - isMasked: Whether vectors of centroids that are not kept are passed over.
  ///   - body: Gets a vector's scores, of which there are as many as the query has vectors.
  /// - Throws: 65 where a document's vectors are not there.
  func scores(
    _ documents: [Int32], of segment: PlaidSegment, _ scores: CentroidScores, isMasked: Bool,
    _ body: (UnsafePointer<Float>) -> Void
  ) throws(Failure) {
    var first = 0
    for document in documents {
      let rows = try segment.rows(Int(document))
      if lines.count + rows.count > Self.tile { flushVectors(&first, scores, body) }
      reserve(rows.count)
      try add(rows, of: segment, scores, isMasked: isMasked)
    }
    flushVectors(&first, scores, body)
  }

  private func flushVectors(
    _ first: inout Int, _ scores: CentroidScores, _ body: (UnsafePointer<Float>) -> Void
  ) {
    starts = Array(0...lines.count)
    flush(&first, first + lines.count, scores) { _, vector in body(vector) }
  }

  /// Takes the codes of a document apart.
  private func add(
    _ rows: Range<Int>, of segment: PlaidSegment, _ scores: CentroidScores, isMasked: Bool
  ) throws(Failure) {
    let codec = codebook.codec
    func note(_ row: Int, _ centroid: Int32) {
      let factor = codebook.factors[Int(segment.factor(row))]
      column(.factor)[lines.count] = factor
      if similarity == .l2 {
        column(.offset)[lines.count] =
          factor * halfSquares[Int(centroid)] - segment.halfSquare(row)
      }
      lines.append(centroid)
    }
    guard isMasked else {
      let first = lines.count
      for row in rows { note(row, try checked(segment.number(row), segment)) }
      kernels.expand(
        rows: rows.count, bits: codec.bits, size: codec.size, segment.codes(from: rows.lowerBound),
        codec.values, into: bytes + first * codec.expanded)
      return
    }
    for row in rows {
      let centroid = try checked(segment.number(row), segment)
      guard scores.isKept(Int(centroid)) else { continue }
      kernels.expand(
        rows: 1, bits: codec.bits, size: codec.size, segment.codes(from: row), codec.values,
        into: bytes + lines.count * codec.expanded)
      note(row, centroid)
    }
  }

  @inline(__always)
  private func checked(_ centroid: Int32, _ segment: PlaidSegment) throws(Failure) -> Int32 {
    guard centroid >= 0, Int(centroid) < codebook.count else {
      throw .data(segment.place, "damaged: centroid \(centroid) of \(codebook.count)")
    }
    return centroid
  }

  private func flush(
    _ first: inout Int, _ end: Int, _ scores: CentroidScores,
    _ body: (_ place: Int, UnsafePointer<Float>) -> Void
  ) {
    defer {
      first = end
      lines.removeAll(keepingCapacity: true)
      starts.removeAll(keepingCapacity: true)
      starts.append(0)
    }
    guard let query = scores.query, end > first else { return }
    let (table, stride) = scores.lineScores
    if maxima.count < (end - first) * stride {
      maxima = AlignedBuffer(count: (end - first) * stride)
    }
    reserve(1)
    let none = [Float](repeating: 0, count: stride)
    lines.withUnsafeBufferPointer { lines in
      let row = lines.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
      kernels.largest(
        expandedRows, query.bytes.matrix, byError: none, byNorm: none, starts: starts,
        adding: AddedScores(
          scores: table, stride: stride, lines: row, factors: UnsafePointer(column(.factor))),
        rowStride: codebook.codec.expanded, into: maxima)
    }
    for place in first..<end { body(place, maxima.pointer + (place - first) * stride) }
  }

  private var expandedRows: ByteRows {
    ByteRows(
      count: lines.count, codes: UnsafePointer(bytes), scales: UnsafePointer(column(.scale)),
      errors: UnsafePointer(column(.zero)), norms: UnsafePointer(column(.zero)),
      offsets: similarity == .l2 ? UnsafePointer(column(.offset)) : nil)
  }
}
