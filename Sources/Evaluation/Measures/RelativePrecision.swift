import Failures

/// Precision relative to the best that is possible.
package struct RelativePrecision: Measure {
  package static let description = MeasureDescription(
    name: "relative_P", summary: "precision at k, relative to the best possible one",
    formula: "(number of ranks i <= k with grade >= rel) / min(k, number of relevant documents)",
    source: "trec_eval's relative_P", parameters: [.rel], cutoff: .required)

  private let cutoff: Int
  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    return Double(ranking.relevantRetrieved(level, cutoff: cutoff)) / Double(min(cutoff, relevant))
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    return TieExpectation(ranking).hits(level, cutoff: cutoff) / Double(min(cutoff, relevant))
  }
}
