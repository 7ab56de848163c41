import Kernels

/// Some queries of several vectors each, ready to be compared with tiles of documents: the bits of
/// `VectorInteraction`, many scores at a time.
///
/// Maxima of products run inside of the multiplication, so that no similarity is stored.
package struct InteractionBatch: Sendable {
  /// Number of queries.
  package let count: Int
  private let width: Int
  private let similarity: Similarity
  private let aggregations: Aggregations
  /// All vectors of all queries; nil where there is none.
  private let comparison: DenseComparison?
  /// Where each query's vectors begin, and where the last ones end.
  private let starts: [Int]

  /// - Parameters:
  ///   - queries: Their vectors, `width` numbers each.
  ///   - width: Numbers of a vector.
  ///   - similarity: What the score of two vectors is.
  ///   - aggregations: How the similarities become one score.
  ///   - kernels: What compares.
  package init(
    _ queries: some Collection<VectorSet>, width: Int, _ similarity: Similarity,
    _ aggregations: Aggregations, _ kernels: Kernels
  ) {
    count = queries.count
    self.width = width
    self.similarity = similarity
    self.aggregations = aggregations
    var starts = [0]
    var values: [Float] = []
    for query in queries {
      values += query.values
      starts.append(values.count / width)
    }
    self.starts = starts
    comparison =
      values.isEmpty
      ? nil : DenseComparison(values, count: values.count / width, similarity, kernels)
  }

  /// Number of all queries' vectors.
  package var vectors: Int { comparison?.count ?? 0 }

  /// Whether a score exists of a query and a document of `items` vectors: no maximum runs over
  /// nothing.
  package func hasScore(_ query: Int, items: Int) -> Bool {
    if starts[query] == starts[query + 1] { return aggregations.query != .max }
    return items > 0 || aggregations.doc != .max
  }

  /// Memory that is used again and again.
  ///
  /// Not `Sendable`: a worker has its own.
  package final class Scratch {
    fileprivate var rows = AlignedBuffer(count: 0)
    fileprivate var perVector = AlignedBuffer(count: 0)
    fileprivate var similarities = AlignedBuffer(count: 0)

    package init() {}

    fileprivate func room(_ buffer: ReferenceWritableKeyPath<Scratch, AlignedBuffer>, _ count: Int)
      -> AlignedBuffer
    {
      if self[keyPath: buffer].count < count { self[keyPath: buffer] = AlignedBuffer(count: count) }
      return self[keyPath: buffer]
    }
  }

  /// Fills scores[documents, queries].
  ///
  /// - Parameters:
  ///   - rows: The documents' vectors, one document behind the other.
  ///   - offsets: The row at which each document begins, and that at which the last one ends.
  ///   - scratch: Grows as needed.
  ///   - scores: Replaced; `-Float.infinity` where there is no score.
  package func score(
    _ rows: MatrixView, offsets: [Int], _ scratch: Scratch, into scores: inout [Float]
  ) {
    let documents = offsets.count - 1
    scores.removeAll(keepingCapacity: true)
    guard let comparison else {
      scores += repeatElement(empty, count: documents * count)
      return
    }
    let perVector = scratch.room(\.perVector, documents * comparison.count)
    let fuses = aggregations.doc == .max && similarity != .l2
    if fuses { maxima(comparison, rows, offsets, scratch, into: perVector) }
    for document in 0..<documents {
      let own = perVector.pointer + document * comparison.count
      let range = offsets[document]..<offsets[document + 1]
      if !fuses || !isPlain(own, range) {
        aggregate(comparison, rows.rows(range), scratch, into: own)
      }
      for query in 0..<count { scores.append(combine(own, starts[query]..<starts[query + 1])) }
    }
  }

  /// The maxima of all documents that have vectors, in their places.
  private func maxima(
    _ comparison: DenseComparison, _ rows: MatrixView, _ offsets: [Int], _ scratch: Scratch,
    into perVector: AlignedBuffer
  ) {
    let n = comparison.count
    let unit = similarity == .cosine ? scratch.room(\.rows, rows.rows * width) : scratch.rows
    // Documents without vectors interrupt what is multiplied at once.
    var document = 0
    while document < offsets.count - 1 {
      var ends = [offsets[document]]
      var next = document
      while next < offsets.count - 1, offsets[next] < offsets[next + 1] {
        next += 1
        ends.append(offsets[next])
      }
      if next > document {
        comparison.maxima(
          rows, offsets: ends, scratch: unit,
          into: MutableMatrixView(
            perVector.pointer + document * n, rows: next - document, columns: n))
      } else {
        (perVector.pointer + document * n).update(repeating: -.infinity, count: n)
        next += 1
      }
      document = next
    }
  }

  /// Whether maxima are those that numbers one after the other give, whatever the order: there is
  /// none that is no number, and no zero whose sign a score has.
  private func isPlain(_ maxima: UnsafePointer<Float>, _ range: Range<Int>) -> Bool {
    if range.isEmpty { return true }
    for vector in 0..<vectors {
      if maxima[vector].isNaN { return false }
      if aggregations.query == .max, maxima[vector] == 0 { return false }
    }
    return true
  }

  /// Aggregates the similarities of a document's vectors for each of the queries', in order.
  private func aggregate(
    _ comparison: DenseComparison, _ rows: MatrixView, _ scratch: Scratch,
    into results: UnsafeMutablePointer<Float>
  ) {
    let n = comparison.count
    let isMax = aggregations.doc == .max
    results.update(repeating: isMax ? -.infinity : 0, count: n)
    for start in stride(from: 0, to: rows.rows, by: Self.piece) {
      let part = rows.rows(start..<min(start + Self.piece, rows.rows))
      let similarities = scratch.room(\.similarities, part.rows * n)
      comparison.score(
        part, scratch: scratch.room(\.rows, part.rows * width),
        into: similarities.matrix(rows: part.rows, columns: n))
      for row in 0..<part.rows {
        let own = similarities.pointer + row * n
        if isMax {
          for vector in 0..<n { results[vector] = max(results[vector], own[vector]) }
        } else {
          for vector in 0..<n { results[vector] += own[vector] }
        }
      }
    }
    guard aggregations.doc == .mean, rows.rows > 0 else { return }
    for vector in 0..<n { results[vector] /= Float(rows.rows) }
  }

  /// Rows whose similarities are stored at a time.
  private static let piece = 256

  /// Aggregates over a query's vectors, in order.
  private func combine(_ values: UnsafePointer<Float>, _ range: Range<Int>) -> Float {
    if range.isEmpty { return empty }
    switch aggregations.query {
    case .max: return range.reduce(-.infinity) { max($0, values[$1]) }
    case .sum: return range.reduce(0) { $0 + values[$1] }
    case .mean: return range.reduce(0) { $0 + values[$1] } / Float(range.count)
    }
  }

  /// The score of a query without vectors.
  private var empty: Float { aggregations.query == .max ? -.infinity : 0 }
}
