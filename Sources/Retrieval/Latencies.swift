/// How long queries took.
package struct Latencies: Sendable {
  private var seconds: [Double] = []

  package init() {}

  /// Takes note of queries that took this long together: each has waited for all of them.
  package mutating func add(_ elapsed: Double, queries: Int) {
    seconds += repeatElement(elapsed, count: queries)
  }

  /// The 50th, 95th and 99th percentile, in seconds: of n sorted values that at ⌊n·share⌋, from 0.
  package var percentiles: [(name: String, seconds: Double)] {
    guard !seconds.isEmpty else { return [] }
    let sorted = seconds.sorted()
    return [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)].map { name, share in
      (name, sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
    }
  }
}
