import Failures
import Synchronization

/// What the scores of BM25 depend on besides query and document: numbers of all documents that are
/// not deleted, in one segment or several.
final class CollectionStatistics: Sendable {
  let numbers: TermPostings.Numbers
  private let segments: [TermPostings]
  /// Documents by term, of terms that were asked for: each segment asks for the same ones.
  private let known = Mutex<[[UInt8]: Int]>([:])

  /// The queries that were asked last, and the terms of each: each segment is asked the same ones.
  private let asked = Mutex<(texts: [[UInt8]], counts: [TermWeights])>(([], []))

  /// Terms that are remembered.
  private static let room = 1 << 14

  init(_ segments: [TermPostings]) {
    self.segments = segments
    numbers = segments.reduce(TermPostings.Numbers()) { $0 + $1.liveNumbers }
  }

  /// Mean length of the documents with a term.
  var averageLength: Float { Float(Double(numbers.total) / Double(max(numbers.filled, 1))) }

  /// How often texts of queries have each term.
  ///
  /// - Parameters:
  ///   - texts: The queries.
  ///   - count: Takes them apart; not called where another segment was asked just that.
  /// - Returns: The terms of each.
  func counts(of texts: [[UInt8]], _ count: () -> [TermWeights]) -> [TermWeights] {
    if segments.count == 1 { return count() }
    if let known = asked.withLock({ $0.texts == texts ? $0.counts : nil }) { return known }
    let counts = count()
    asked.withLock { $0 = (texts, counts) }
    return counts
  }

  /// How many documents have a term.
  func documents(with term: [UInt8]) throws(Failure) -> Int {
    if segments.count > 1, let count = known.withLock({ $0[term] }) { return count }
    var count = 0
    for segment in segments {
      if let number = try segment.find(term) { count += try segment.liveDocuments(with: number) }
    }
    if segments.count > 1 {
      known.withLock { known in
        if known.count >= Self.room { known.removeAll(keepingCapacity: true) }
        known[term] = count
      }
    }
    return count
  }
}
