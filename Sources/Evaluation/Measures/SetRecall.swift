import Failures

/// Recall of all that was retrieved.
package struct SetRecall: Measure {
  package static let description = MeasureDescription(
    name: "SetR", summary: "share of the relevant documents that were retrieved at all",
    formula: "relevant and retrieved / relevant", source: "trec_eval's set_recall",
    parameters: [.rel])

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    return relevant == 0 ? 0 : Double(ranking.relevantRetrieved(level)) / Double(relevant)
  }

  package var tieEffect: TieEffect { .none }
}
