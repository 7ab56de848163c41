import Failures

/// Scaled discounted cumulative gain.
package struct ScaledDCG: Measure {
  package static let description = MeasureDescription(
    name: "SDCG",
    summary: "discounted gain relative to k documents of the highest grade",
    formula: "sum over ranks i <= k of gain(i) / log2(i + 1) / sum of 1 / log2(i + 1)",
    source: "Järvelin and Kekäläinen, TOIS 2002; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "dcg", value: "'log2'", meaning: "the discount")]
      + ContinuationModel.parameters, cutoff: .required)

  private let model: ContinuationModel
  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    _ = try arguments.word("dcg", of: ["log2"])
    model = try ContinuationModel(graded: arguments)
    cutoff = try arguments.cutoff()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, _, _ in chance(place) }
  }

  package var tieEffect: TieEffect { .monotone }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    model.expectedUtility(ranking, chance: chance)
  }

  private func chance(_ place: Int) -> Double {
    place + 1 < cutoff ? Discount.log2(place) / Discount.log2(place + 1) : 0
  }
}
