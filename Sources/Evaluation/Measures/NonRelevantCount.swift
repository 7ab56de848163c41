import Failures

/// Number of retrieved documents that were judged not relevant.
package struct NonRelevantCount: Measure {
  package static let description = MeasureDescription(
    name: "num_nonrel_judged_ret", summary: "number of retrieved documents judged not relevant",
    formula: "number of ranks with 0 <= grade < rel", source: "trec_eval's num_nonrel_judged_ret",
    parameters: [.rel], aggregation: .sum)

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    Double(ranking.pool.count { (0..<level).contains(ranking.grades[$0]) })
  }

  package var tieEffect: TieEffect { .none }
}
