import Synchronization

/// How many documents of each query of a request the bounds of several parts of an index could not
/// exclude, all parts together.
package final class SurvivorTally: Sendable {
  private let queries = Mutex<[[UInt8]: Int]>([:])

  package init() {}

  fileprivate func add(_ survivors: Int, of id: [UInt8]) {
    queries.withLock { $0[id, default: 0] += survivors }
  }

  fileprivate var counts: [Int] { queries.withLock { Array($0.values) } }
}

/// How many documents of each query bounds could not exclude.
package final class SurvivorCounts: Sendable {
  /// Queries by their number of survivors.
  private let queries = Mutex<[Int: Int]>([:])

  package init() {}

  /// Takes note of a query, or lets the index do so that this one is a part of.
  ///
  /// - Parameters:
  ///   - survivors: Documents that bounds could not exclude.
  ///   - query: Place of the query in the request.
  ///   - request: The request.
  package func add(_ survivors: Int, of query: Int, _ request: SearchRequest) {
    guard let tally = request.survivors else { return add(survivors) }
    tally.add(survivors, of: request.ids[query])
  }

  /// Takes note of the queries that some parts of an index have searched.
  package func add(_ tally: SurvivorTally) { for count in tally.counts { add(count) } }

  private func add(_ survivors: Int) { queries.withLock { $0[survivors, default: 0] += 1 } }

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
