import Failures

/// Geometric mean of average precision over queries.
package struct GeometricMeanAP: Measure {
  package static let description = MeasureDescription(
    name: "gm_map", summary: "average precision of queries, whose geometric mean is taken",
    formula: "exp(mean over queries of log(max(AP, 0.00001)))",
    source: "trec_eval's gm_map",
    parameters: [.rel], aggregation: .geometricMean)

  private let measure: AveragePrecision

  package init(_ arguments: MeasureArguments) throws(Failure) {
    measure = try AveragePrecision(arguments)
  }

  package func value(_ ranking: JudgedRanking) -> Double { measure.value(ranking) }

  package var tieEffect: TieEffect { measure.tieEffect }

  package func expectation(_ ranking: JudgedRanking) -> Double? { measure.expectation(ranking) }
}
