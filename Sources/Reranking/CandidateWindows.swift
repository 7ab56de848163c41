import Records

/// Cuts the queries of a run into windows whose pairs are scored together.
package struct CandidateWindows: Sendable {
  private let run: Run
  private let depth: Int
  private let size: Int
  private var left: Range<Int>

  /// - Parameters:
  ///   - run: What names the pairs.
  ///   - queries: The queries that are scored.
  ///   - depth: Documents a query at most.
  ///   - pairs: Pairs from which on a window is full; a query is never divided.
  package init(_ run: Run, _ queries: Range<Int>, depth: Int, pairs: Int) {
    self.run = run
    self.depth = depth
    size = pairs
    left = queries
  }

  /// Pairs of the windows that are still to come.
  package var pairs: Int { left.reduce(0) { $0 + count($1) } }

  /// The queries of the next window; nil at the end.
  package mutating func next() -> Range<Int>? {
    if left.isEmpty { return nil }
    var end = left.lowerBound
    var pairs = 0
    while end < left.upperBound, pairs < size {
      pairs += count(end)
      end += 1
    }
    defer { left = end..<left.upperBound }
    return left.lowerBound..<end
  }

  private func count(_ query: Int) -> Int { min(depth, run.entries(of: query).count) }
}
