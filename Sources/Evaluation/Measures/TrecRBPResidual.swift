import Failures

/// What unjudged documents could add to rank-biased precision.
package struct TrecRBPResidual: Measure {
  package static let description = MeasureDescription(
    name: "rbp_resid", summary: "what unjudged documents could add to rbp; 0 if all are judged",
    formula: "p^n + (1 - p) · sum over unjudged ranks i of p^(i - 1),  n = retrieved",
    source: "Moffat and Zobel, TOIS 2008; trec_eval 10's rbp_resid",
    parameters: [MeasureParameter(name: "p", value: "0.9", meaning: "persistence")])

  private let persistence: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    persistence = try arguments.signedNumber("p", default: 0.9)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    var sum = 0.0
    var weight = 1.0
    var isComplete = true
    for grade in ranking.grades {
      if grade < 0 {
        isComplete = false
        sum += weight
      }
      weight *= persistence
    }
    return isComplete ? 0 : weight + (1 - persistence) * sum
  }

  package var tieEffect: TieEffect { .monotone { $0 < 0 ? 1 : 0 } }
}
