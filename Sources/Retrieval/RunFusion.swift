import Failures
import Records

/// How the runs of a fusion become one.
package enum FusionMethod: String, Sendable, CaseIterable {
  /// Reciprocal rank fusion: the sum of 1 / (k + rank), ranks from 1 (Cormack, Clarke and Büttcher,
  /// SIGIR 2009).
  case rrf
  /// The sum of the scores as they are: CombSUM (Fox and Shaw, TREC-2).
  case sum
  /// The sum of the scores, those of each run and query brought to 0…1.
  case minmax
  /// The sum of the scores, those of each run and query brought to mean 0 and deviation 1.
  case zscore
  /// Borda's count (Aslam and Montague, SIGIR 2001): of n documents the first gets n points, the
  /// next n - 1; the points that are left are shared evenly by the documents that a run lacks.
  case borda
  /// CombMNZ (Fox and Shaw, TREC-2): the sum of normalised scores times the number of runs that
  /// have the document.
  case mnz
  /// The sum of the scores, those of each run and query brought to 0…1 between mean - 3 deviations
  /// and mean + 3 deviations (Mazzeschi's distribution-based score fusion, as qdrant-client 1.x has
  /// it: the deviation with n - 1, and 0.5 where all scores are equal).
  case dbsf
}

/// What scores are made comparable with before CombMNZ adds them.
package enum ScoreNormalization: String, Sendable, CaseIterable {
  /// As they are.
  case none
  /// (s - min) / (max - min).
  case minmax
  /// (s - mean) / deviation, the deviation with n.
  case zscore

  /// A range or a deviation below this counts as this, as in ranx: equal scores all become 0.
  private static let smallest = 1e-9

  /// The scores of one run for one query, normalised.
  func callAsFunction(_ scores: [Double]) -> [Double] {
    guard let first = scores.first else { return [] }
    switch self {
    case .none: return scores
    case .minmax:
      let (low, high) = scores.reduce((first, first)) { (min($0.0, $1), max($0.1, $1)) }
      let range = max(high - low, Self.smallest)
      return scores.map { ($0 - low) / range }
    case .zscore:
      let mean = scores.reduce(0, +) / Double(scores.count)
      let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let deviation = max((squares / Double(scores.count)).squareRoot(), Self.smallest)
      return scores.map { ($0 - mean) / deviation }
    }
  }
}

/// Makes one run out of several, without a model.
///
/// A document that a run lacks gets nothing from it: no rank, no score. (Borda's count alone defines
/// a share for those.) The queries come in the order of the first run, then of the next, and so on.
package struct RunFusion: Sendable {
  /// How.
  package var method = FusionMethod.rrf
  /// What the share of each run is multiplied with; empty for 1 each.
  package var weights: [Double] = []
  /// What is added to ranks by `rrf`.
  package var k = 60.0
  /// What comes before `mnz`.
  package var normalization = ScoreNormalization.minmax
  /// Documents of a run and query that count.
  package var depth = Int.max

  package init() {}

  /// Calls `body` with every query and its fused documents, best first.
  ///
  /// - Throws: exit 65 where a fused score is no finite number in single precision.
  package func fuse(
    _ runs: [Run], _ body: (RecordID, [ScoredDocument]) throws(Failure) -> Void
  ) throws(Failure) {
    var done = IDTable()
    for run in runs {
      for number in 0..<run.queries.count {
        let query = run.queries[number]
        guard done.insert(query).inserted else { continue }
        try body(query, shares(of: query, in: runs).ranked(by: weights, query))
      }
    }
  }

  /// What the runs give to the documents of one query, before it is weighted.
  package func shares(of query: RecordID, in runs: [Run]) -> FusionShares {
    let rankings = runs.map { ($0, $0.queries.find(query)) }
    var table = IDTable()
    // By run: the numbers of its documents, best first.
    let places = rankings.map { run, query in
      entries(run, query).map { run.withDoc($0) { table.insert($0).index } }
    }
    var counts = [Int](repeating: 0, count: table.count)
    var all: [[Double]] = []
    for (places, (run, query)) in zip(places, rankings) {
      let found = shares(run, entries(run, query), candidates: table.count)
      let rest = method == .borda ? Double(table.count - found.count + 1) / 2 : 0
      var shares = [Double](repeating: rest, count: table.count)
      for (place, share) in zip(places, found) {
        shares[place] = share
        counts[place] += 1
      }
      all.append(shares)
    }
    return FusionShares(
      documents: (0..<table.count).map { table[$0] }, shares: all,
      factors: method == .mnz ? counts.map { Double($0) } : nil)
  }

  private func entries(_ run: Run, _ query: Int?) -> Range<Int> {
    guard let query else { return 0..<0 }
    let entries = run.entries(of: query)
    return entries.prefix(depth).startIndex..<entries.prefix(depth).endIndex
  }

  /// What a run gives to its documents, best first.
  private func shares(_ run: Run, _ entries: Range<Int>, candidates: Int) -> [Double] {
    switch method {
    case .rrf: return entries.indices.map { 1 / (k + Double($0 - entries.lowerBound + 1)) }
    case .borda: return entries.indices.map { Double(candidates - ($0 - entries.lowerBound)) }
    case .dbsf: return Self.byDistribution(entries.map { Double(run.score($0)) })
    case .sum, .minmax, .zscore, .mnz:
      let normalization: ScoreNormalization =
        switch method {
        case .minmax: .minmax
        case .zscore: .zscore
        case .mnz: self.normalization
        default: .none
        }
      return normalization(entries.map { Double(run.score($0)) })
    }
  }

  /// Scores as places between three deviations below their mean and three above.
  private static func byDistribution(_ scores: [Double]) -> [Double] {
    let mean = scores.reduce(0, +) / Double(scores.count)
    let squares = scores.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    guard scores.count > 1, squares > 0 else { return scores.map { _ in 0.5 } }
    let deviation = (squares / Double(scores.count - 1)).squareRoot()
    let low = mean - 3 * deviation
    return scores.map { ($0 - low) / (mean + 3 * deviation - low) }
  }
}
