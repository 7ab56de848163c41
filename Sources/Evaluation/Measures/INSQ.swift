import Failures

/// A user with a goal.
package struct INSQ: Measure {
  package static let description = MeasureDescription(
    name: "INSQ",
    summary: "average gain for a user who wants T in all",
    formula: "gain(i) weighted by the chance to reach i;  C(i) = ((i + 2T - 1) / (i + 2T))²",
    source: "Moffat, Scholer and Thomas, ADCS 2012; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "T", value: "1", meaning: "total gain that the user wants")]
      + ContinuationModel.parameters, cutoff: .none)

  private let model: ContinuationModel
  private let target: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    target = try arguments.number("T", default: 1)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, _, _ in chance(place) }
  }

  package var tieEffect: TieEffect { .monotone }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    model.expectedUtility(ranking, chance: chance)
  }

  private func chance(_ place: Int) -> Double {
    let wanted = Double(place + 1) + 2 * target
    return ((wanted - 1) / wanted) * ((wanted - 1) / wanted)
  }
}
