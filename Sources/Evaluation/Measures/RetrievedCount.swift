import Failures

/// Number of retrieved documents.
package struct RetrievedCount: Measure {
  package static let description = MeasureDescription(
    name: "NumRet", summary: "number of retrieved documents; with rel, of relevant ones",
    formula: "number of ranks, or of those with grade >= rel",
    source: "trec_eval's num_ret and num_rel_ret",
    parameters: [
      MeasureParameter(name: "rel", value: "none", meaning: "count documents from this grade on")
    ], aggregation: .sum)

  private let level: Int?

  package init(_ arguments: MeasureArguments) throws(Failure) {
    let isGiven = arguments.name.parameters.contains { $0.key == "rel" }
    level = isGiven ? try arguments.relevanceLevel() : nil
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    Double(level.map { ranking.relevantRetrieved($0) } ?? ranking.count)
  }

  package var takesFractions: Bool { level == nil }

  package var tieEffect: TieEffect { .none }
}
