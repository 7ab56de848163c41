import Failures

/// Average precision of an unordered set.
package struct SetAveragePrecision: Measure {
  package static let description = MeasureDescription(
    name: "SetAP", summary: "precision times recall of all that was retrieved",
    formula: "relevant and retrieved² / (retrieved · relevant)", source: "trec_eval's set_map",
    parameters: [.rel, .judgedOnly])

  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    if relevant == 0 || ranking.count == 0 { return 0 }
    let found = Double(ranking.relevantRetrieved(level))
    return found * found / (Double(ranking.count) * Double(relevant))
  }

  package var tieEffect: TieEffect { .none }
}
