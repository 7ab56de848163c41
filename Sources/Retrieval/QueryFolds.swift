import Kernels
import Records

/// Queries in parts, for cross-validation.
package enum QueryFolds {
  /// The part of each query.
  ///
  /// It hangs on the ids and the seed alone, not on the order of the queries: in the order of their ids
  /// each takes the next number of `CounterRandom`, and in the order of these numbers they are dealt
  /// out in turn.
  ///
  /// - Parameters:
  ///   - queries: Distinct ids.
  ///   - count: How many parts, at least one; their sizes differ by one at most.
  ///   - seed: Of the random numbers.
  /// - Returns: For each query the number of its part, from 0.
  package static func of(_ queries: [RecordID], count: Int, seed: UInt64) -> [Int] {
    precondition(count > 0, "no parts")
    let random = CounterRandom(seed: seed)
    let byID = queries.indices.sorted { queries[$0] < queries[$1] }
    let keys = byID.indices.map { random.bits(at: UInt64($0)) }
    let dealt = byID.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    var folds = [Int](repeating: 0, count: queries.count)
    for (turn, place) in dealt.enumerated() { folds[byID[place]] = turn % count }
    return folds
  }
}
