import Failures

/// Whether anything relevant is among the first documents.
package struct Success: Measure {
  package static let description = MeasureDescription(
    name: "Success", summary: "1 if there is a relevant document among the first k, else 0",
    formula: "1 if any rank i <= k has grade >= rel, else 0", source: "trec_eval's success",
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
    return ranking.firstRelevant(level).map { $0 <= cutoff } ?? false ? 1 : 0
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    let remaining = TieExpectation(ranking).survival(cutoff: cutoff) {
      ranking.grades[$0] >= level ? 1 : 0
    }
    return 1 - (remaining.last ?? 1)
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    value(ranking.assumingUnjudged(level)) - value(ranking)
  }
}
