import Failures

/// A user with a goal, who adapts.
package struct INST: Measure {
  package static let description = MeasureDescription(
    name: "INST",
    summary: "average gain for a user who wants T in all and adapts to what was found",
    formula: "gain(i) weighted by the chance to reach i;  "
      + "C(i) = ((i + T + T(i) - 1) / (i + T + T(i)))²",
    source: "Moffat, Bailey, Scholer and Thomas, ADCS 2015; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "T", value: "1", meaning: "total gain that the user wants")]
      + ContinuationModel.parameters, cutoff: .none)

  private let model: ContinuationModel
  private let target: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    target = try arguments.number("T", default: 1)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, _, total in
      let wanted = Double(place + 1) + target + (target - total)
      return ((wanted - 1) / wanted) * ((wanted - 1) / wanted)
    }
  }
}
