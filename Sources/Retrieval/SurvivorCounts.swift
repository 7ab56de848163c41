import Synchronization

/// How many documents of each query bounds could not exclude.
package final class SurvivorCounts: Sendable {
  /// Queries by their number of survivors.
  private let queries = Mutex<[Int: Int]>([:])

  package init() {}

  /// Takes note of one query.
  package func add(_ survivors: Int) { queries.withLock { $0[survivors, default: 0] += 1 } }

  /// Median and maximum, for the summary; nothing where there was no query.
  package var figures: [(name: String, value: String)] {
    let counts = queries.withLock { $0.sorted { $0.key < $1.key } }
    guard let most = counts.last?.key else { return [] }
    var rest = (counts.reduce(0) { $0 + $1.value } + 1) / 2
    let median =
      counts.first {
        rest -= $0.value; return rest <= 0
      }?.key ?? most
    return [("survivors_p50", "\(median)"), ("survivors_max", "\(most)")]
  }
}
