import Failures

/// Number of relevant documents.
package struct RelevantCount: Measure {
  package static let description = MeasureDescription(
    name: "NumRel", summary: "number of relevant documents in the judgements",
    formula: "number of judged documents with grade >= rel", source: "trec_eval's num_rel",
    parameters: [.rel], aggregation: .sum)

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double { Double(ranking.relevantCount(level)) }

  package var tieEffect: TieEffect { .none }
}
