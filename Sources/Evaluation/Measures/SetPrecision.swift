import Failures

/// Precision of all that was retrieved.
package struct SetPrecision: Measure {
  package static let description = MeasureDescription(
    name: "SetP", summary: "share of relevant documents among all that were retrieved",
    formula: "relevant and retrieved / retrieved;  relative: / min(retrieved, relevant)",
    source: "trec_eval's set_P and set_relative_P",
    parameters: [
      .rel, .judgedOnly,
      MeasureParameter(
        name: "relative", value: "False", meaning: "relative to the best that is possible"),
    ])

  private let level: Int
  private let isRelative: Bool
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    isRelative = try arguments.boolean("relative", default: false)
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    let bound = isRelative ? min(ranking.count, relevant) : ranking.count
    return bound == 0 ? 0 : Double(ranking.relevantRetrieved(level)) / Double(bound)
  }

  package var tieEffect: TieEffect { .none }
}
