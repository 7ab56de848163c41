import Failures

/// Nearly expected reciprocal rank, equation 8.
package struct NERR8: Measure {
  package static let description = MeasureDescription(
    name: "NERR8",
    summary: "nearly ERR: the user stops by gain, at k at last",
    formula: "gain(i) weighted by the chance to reach i;  C(i) = 1 - gain(i) for i < k",
    source: "Azzopardi, Mackenzie and Moffat, ICTIR 2021; \(ContinuationModel.source)",
    parameters: ContinuationModel.parameters, cutoff: .required)

  private let model: ContinuationModel
  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    cutoff = try arguments.cutoff()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, gain, _ in place + 1 < cutoff ? 1 - gain : 0 }
  }
}
