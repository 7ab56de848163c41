import Failures

/// Recall at a cutoff.
package struct Recall: Measure {
  package static let description = MeasureDescription(
    name: "R", aliases: ["Recall"],
    summary: "share of the relevant documents that are among the first k",
    formula: "(number of ranks i <= k with grade >= rel) / number of relevant documents",
    source: "trec_eval's recall", parameters: [.rel, .judgedOnly], cutoff: .required)

  private let cutoff: Int
  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return Double(ranking.relevantRetrieved(level, cutoff: cutoff)) / Double(relevant)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return TieExpectation(ranking).hits(level, cutoff: cutoff) / Double(relevant)
  }
}
