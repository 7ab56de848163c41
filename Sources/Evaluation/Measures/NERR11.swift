import Failures

/// Nearly expected reciprocal rank, equation 11.
package struct NERR11: Measure {
  package static let description = MeasureDescription(
    name: "NERR11",
    summary: "nearly ERR: the user stops by gain, and wants T in all",
    formula: "gain(i) weighted by the chance to reach i;  "
      + "C(i) = ((i + 2T - 1) / (i + 2T))² · (1 - gain(i))",
    source: "Azzopardi, Mackenzie and Moffat, ICTIR 2021; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "T", value: "1", meaning: "total gain that the user wants")]
      + ContinuationModel.parameters, cutoff: .none)

  private let model: ContinuationModel
  private let target: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    target = try arguments.number("T", default: 1)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, gain, _ in
      let wanted = Double(place + 1) + 2 * target
      return ((wanted - 1) / wanted) * ((wanted - 1) / wanted) * (1 - gain)
    }
  }
}
