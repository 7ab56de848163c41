import Failures

/// Nearly expected reciprocal rank, equation 10.
package struct NERR10: Measure {
  package static let description = MeasureDescription(
    name: "NERR10",
    summary: "nearly ERR: the user stops by gain, and with chance 1 - p",
    formula: "gain(i) weighted by the chance to reach i;  C(i) = p · (1 - gain(i))",
    source: "Azzopardi, Mackenzie and Moffat, ICTIR 2021; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "p", value: "0.9", meaning: "chance to go on")]
      + ContinuationModel.parameters, cutoff: .none)

  private let model: ContinuationModel
  private let persistence: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    persistence = try arguments.number("p", default: 0.9)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { _, gain, _ in persistence * (1 - gain) }
  }
}
