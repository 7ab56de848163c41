import Failures
import IndexFormat
import Retrieval
import Vectors

/// Which postings the lists keep: of all postings the largest, so many a term on average, and of no
/// term more than half as many again.
///
/// Source: the global threshold of Seismic (TusKANNy/seismic, `inverted_index.rs` of version 0.5, and
/// its default `max_fraction`). A posting that is as large as the least that is kept is kept, too.
struct PostingSelection: Sendable {
  /// Postings below it are left out.
  private let least: UInt32
  /// Most postings of a term.
  let most: Int
  /// How many postings of each term are left, before the longest lists are cut.
  let counts: [Int]

  private static let fraction = 1.5

  /// - Parameters:
  ///   - documents: The vectors.
  ///   - postings: How many a term on average.
  ///   - frequencies: How many documents have each term.
  init(_ documents: DocumentFactors, postings: Int, _ frequencies: [Int]) {
    most = max(1, Int(Double(postings) * Self.fraction))
    let total = frequencies.reduce(0, +)
    let terms = frequencies.count { $0 > 0 }
    let (wanted, overflows) = postings.multipliedReportingOverflow(by: terms)
    guard !overflows, wanted < total else {
      least = 0
      counts = frequencies
      return
    }
    // The wanted-th largest number by its upper sixteen bits, and among those by the lower ones.
    var upper = [Int](repeating: 0, count: 1 << 16)
    Self.forEach(documents) { _, key in upper[Int(key >> 16)] += 1 }
    let (high, above) = Self.place(of: wanted, in: upper)
    var lower = [Int](repeating: 0, count: 1 << 16)
    Self.forEach(documents) { _, key in
      if Int(key >> 16) == high { lower[Int(key & 0xffff)] += 1 }
    }
    let (low, _) = Self.place(of: wanted - above, in: lower)
    let least = UInt32(high) << 16 | UInt32(low)
    var counts = [Int](repeating: 0, count: frequencies.count)
    Self.forEach(documents) { term, key in if key >= least { counts[term] += 1 } }
    self.least = least
    self.counts = counts
  }

  /// The bin of the `wanted`-th largest number, from 1, and how many are in the bins above.
  private static func place(of wanted: Int, in bins: [Int]) -> (bin: Int, above: Int) {
    var above = 0
    for bin in bins.indices.reversed() {
      if above + bins[bin] >= wanted { return (bin, above) }
      above += bins[bin]
    }
    return (0, above)
  }

  /// A number by which weights are ordered.
  private static func key(_ weight: Float) -> UInt32 {
    // Zeros of both signs are one.
    let bits = (weight + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }

  private static func forEach(
    _ documents: DocumentFactors, _ body: (_ term: Int, _ key: UInt32) -> Void
  ) {
    let vectors = documents.vectors
    for document in 0..<vectors.count {
      let factor = documents.factor(document) ?? 0
      for place in vectors.range(document) {
        body(vectors.term(place), key(Float(Double(vectors.weight(place)) * factor)))
      }
      if document % (1 << 14) == (1 << 14) - 1 { vectors.discard() }
    }
    vectors.discard()
  }

  /// A posting: the largest weights first, then the first documents.
  struct Posting: Comparable {
    var key: UInt32
    var document: Int32

    static func < (a: Posting, b: Posting) -> Bool {
      a.key != b.key ? a.key > b.key : a.document < b.document
    }
  }

  /// Calls `take` with the postings of terms, some terms at a time, in their order.
  ///
  /// - Parameters:
  ///   - documents: The vectors.
  ///   - room: How many postings there is memory for: where there are more, the vectors are read
  ///     again.
  ///   - take: Gets the first term and the postings of each, by document.
  /// - Throws: What `take` throws.
  func forEachGroup(
    _ documents: DocumentFactors, room: Int,
    _ take: (_ first: Int, _ postings: [[Posting]]) throws(Failure) -> Void
  ) throws(Failure) {
    let vectors = documents.vectors
    var first = 0
    while first < counts.count {
      var (end, total) = (first, 0)
      while end < counts.count, end == first || total + counts[end] <= room {
        total += counts[end]
        end += 1
      }
      var lists = [[Posting]](repeating: [], count: end - first)
      for term in first..<end { lists[term - first].reserveCapacity(counts[term]) }
      for document in 0..<(total == 0 ? 0 : vectors.count) {
        let factor = documents.factor(document) ?? 0
        for place in vectors.range(document) {
          let term = vectors.term(place)
          guard term >= first, term < end else { continue }
          let key = Self.key(Float(Double(vectors.weight(place)) * factor))
          if key >= least {
            lists[term - first].append(Posting(key: key, document: Int32(document)))
          }
        }
        if document % (1 << 14) == (1 << 14) - 1 { vectors.discard() }
      }
      vectors.discard()
      try take(first, lists)
      first = end
    }
  }
}
