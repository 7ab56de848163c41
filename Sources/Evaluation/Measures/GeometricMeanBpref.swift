import Failures

/// Geometric mean of binary preference over queries.
package struct GeometricMeanBpref: Measure {
  package static let description = MeasureDescription(
    name: "gm_bpref", summary: "binary preference of queries, whose geometric mean is taken",
    formula: "exp(mean over queries of log(max(Bpref, 0.00001)))",
    source: "trec_eval's gm_bpref",
    parameters: [.rel], aggregation: .geometricMean)

  private let measure: BinaryPreference

  package init(_ arguments: MeasureArguments) throws(Failure) {
    measure = try BinaryPreference(arguments)
  }

  package func value(_ ranking: JudgedRanking) -> Double { measure.value(ranking) }

  package var tieEffect: TieEffect { measure.tieEffect }

  package func expectation(_ ranking: JudgedRanking) -> Double? { measure.expectation(ranking) }
}
