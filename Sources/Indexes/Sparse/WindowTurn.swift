import Failures
import Retrieval
import Vectors
import Workers

/// Postings by term from vectors by document, a window of documents at a time.
///
/// Memory: two numbers a term, and of the postings as many as there is room for: where a window has
/// more, its vectors are read again for the next terms. So the bytes depend on no limit.
struct WindowTurn {
  let vectors: DocumentVectors
  let order: DocumentOrder
  /// Documents of a window.
  let window: Int
  /// Whether weights are divided by the lengths of their vectors.
  let isCosine: Bool
  let work: IndexWork

  /// Bytes that a posting takes: place, weight, and its part of a run.
  private static let bytesPerPosting = 24
  /// Postings that a worker turns into runs at a time.
  private static let share = 1 << 15

  /// Lengths from which on nothing is known of a quotient.
  static let longest: Float = 0x1p60

  /// Calls `take` with the bytes of each term's run in a window, in the order of the terms.
  func runs(
    _ window: Int, _ take: (ArraySlice<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    let documents = window * self.window..<min((window + 1) * self.window, vectors.count)
    var counts = [Int](repeating: 0, count: vectors.dimension)
    for position in documents {
      for place in vectors.range(order[position]) { counts[vectors.term(place)] += 1 }
      release(behind: position)
    }
    let room = max(
      1, (work.memory / 2 - 16 * vectors.dimension) / Self.bytesPerPosting)
    var first = 0
    while first < vectors.dimension {
      var (end, total) = (first, 0)
      while end < vectors.dimension, end == first || total + counts[end] <= room {
        total += counts[end]
        end += 1
      }
      let columns = Columns(counts[first..<end], total)
      fill(columns, first..<end, documents)
      try append(columns, documents.count, take)
      first = end
    }
    vectors.discard()
  }

  /// Postings of some terms, one term behind the other.
  ///
  /// Unchecked: workers read it when all is written.
  private final class Columns: @unchecked Sendable {
    let places: UnsafeMutablePointer<UInt16>
    let weights: UnsafeMutablePointer<Float>
    /// Where each term's postings end; while they are written, where the next one goes.
    var ends: [Int]

    init(_ counts: ArraySlice<Int>, _ total: Int) {
      places = .allocate(capacity: total)
      weights = .allocate(capacity: total)
      var start = 0
      ends = counts.map { count in
        defer { start += count }
        return start
      }
    }

    deinit {
      places.deallocate()
      weights.deallocate()
    }

    func range(_ term: Int) -> Range<Int> { (term == 0 ? 0 : ends[term - 1])..<ends[term] }
  }

  private func fill(_ columns: Columns, _ terms: Range<Int>, _ documents: Range<Int>) {
    let isAll = terms.count == vectors.dimension
    columns.ends.withUnsafeMutableBufferPointer { ends in
      for position in documents {
        let document = order[position]
        let norm = isCosine ? max(vectors.norm(document), SparseComparison.epsilon) : 1
        // Whatever stands for it, its runs say that nothing is known.
        let factor = norm > Self.longest ? 0 : 1 / Double(norm)
        let own = UInt16(position - documents.lowerBound)
        for place in vectors.range(document) {
          let term = vectors.term(place)
          if !isAll, !terms.contains(term) { continue }
          let target = ends[term - terms.lowerBound]
          ends[term - terms.lowerBound] = target + 1
          columns.places[target] = own
          let weight = vectors.weight(place)
          columns.weights[target] =
            !isCosine ? weight : norm > Self.longest ? .nan : Float(Double(weight) * factor)
        }
        release(behind: position)
      }
    }
  }

  /// Gives the memory of vectors back that were read, now and then.
  private func release(behind position: Int) {
    if position % (1 << 13) == (1 << 13) - 1 { vectors.discard() }
  }

  /// Makes runs of columns, as many terms at a time as make a share.
  private func append(
    _ columns: Columns, _ documents: Int, _ take: (ArraySlice<UInt8>) throws(Failure) -> Void
  ) throws(Failure) {
    var shares: [Range<Int>] = []
    var first = 0
    for term in columns.ends.indices {
      let isLast = term + 1 == columns.ends.count
      let start = first == 0 ? 0 : columns.ends[first - 1]
      if isLast || columns.ends[term] - start >= Self.share {
        shares.append(first..<term + 1)
        first = term + 1
      }
    }
    // So many shares at a time that their bytes are few.
    let batch = 4 * work.pool.threads
    for begin in stride(from: 0, to: shares.count, by: batch) {
      let some = Array(shares[begin..<min(begin + batch, shares.count)])
      let made = Results<(bytes: [UInt8], ends: [Int])>(some.count)
      work.pool.forEachUnchecked(some.count) { index, _ in
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for term in some[index] {
          append(columns, term, documents, to: &bytes)
          ends.append(bytes.count)
        }
        made.set(index, (bytes, ends))
      }
      for index in some.indices {
        let (bytes, ends) = made.take(index)
        var start = 0
        for end in ends {
          try take(bytes[start..<end])
          start = end
        }
      }
    }
  }

  private func append(
    _ columns: Columns, _ term: Int, _ documents: Int, to bytes: inout [UInt8]
  ) {
    let range = columns.range(term)
    if range.isEmpty { return }
    let weights = UnsafeMutableBufferPointer(
      start: columns.weights + range.lowerBound, count: range.count)
    var slack: Double? = isCosine ? 0x1p-22 : 0
    for place in weights.indices where weights[place].isNaN {
      weights[place] = 0
      slack = nil
    }
    ImpactRun.append(
      places: UnsafeBufferPointer(start: columns.places + range.lowerBound, count: range.count),
      weights: UnsafeBufferPointer(weights), documents: documents, slack: slack, to: &bytes)
  }
}
