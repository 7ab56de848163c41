import Failures

/// Precision at a cutoff.
package struct Precision: Measure {
  package static let description = MeasureDescription(
    name: "P", aliases: ["Precision"],
    summary: "share of relevant documents among the first k; ranks without a document count",
    formula: "(number of ranks i <= k with grade >= rel) / k", source: "trec_eval's P",
    parameters: [.rel, .judgedOnly], cutoff: .required)

  private let cutoff: Int
  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return Double(ranking.relevantRetrieved(level, cutoff: cutoff)) / Double(cutoff)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return TieExpectation(ranking).hits(level, cutoff: cutoff) / Double(cutoff)
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    value(ranking.assumingUnjudged(level)) - value(ranking)
  }
}
