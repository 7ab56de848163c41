import Failures

/// The Bejeweled player model.
package struct BejeweledPlayer: Measure {
  package static let description = MeasureDescription(
    name: "BPM",
    summary: "average gain until a total gain or a rank is reached",
    formula: "mean of gain(i) over ranks i to k, or to where the sum of gains reaches T",
    source: "Zhang et al., SIGIR 2017; \(ContinuationModel.source)",
    parameters: [MeasureParameter(name: "T", value: "1", meaning: "total gain that the user wants")]
      + ContinuationModel.parameters, cutoff: .required)

  private let model: ContinuationModel
  private let cutoff: Int
  private let target: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(graded: arguments)
    cutoff = try arguments.cutoff()
    target = try arguments.number("T", default: 1)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { place, _, total in
      total < target && place + 1 < cutoff ? 1 : 0
    }
  }
}
