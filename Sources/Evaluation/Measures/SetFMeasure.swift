import Failures

/// The F measure of all that was retrieved.
package struct SetFMeasure: Measure {
  package static let description = MeasureDescription(
    name: "SetF", summary: "weighted harmonic mean of the precision and recall of all retrieved",
    formula: "(beta + 1) · P · R / (R + beta · P);  trec_eval does not square beta",
    source: "van Rijsbergen 1979; trec_eval's set_F",
    parameters: [
      .rel, .judgedOnly,
      MeasureParameter(name: "beta", value: "1.0", meaning: "weight of recall over precision"),
    ])

  private let level: Int
  private let beta: Double
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    beta = try arguments.number("beta", default: 1)
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    let found = ranking.relevantRetrieved(level)
    if found == 0 { return 0 }
    let precision = Double(found) / Double(ranking.count)
    let recall = Double(found) / Double(relevant)
    return (beta + 1) * precision * recall / (recall + beta * precision)
  }

  package var tieEffect: TieEffect { .none }
}
