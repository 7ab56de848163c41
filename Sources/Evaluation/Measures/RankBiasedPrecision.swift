import Failures

/// Rank-biased precision.
package struct RankBiasedPrecision: Measure {
  package static let description = MeasureDescription(
    name: "RBP",
    summary: "precision for a user who goes on to the next rank with chance p",
    formula: "sum over ranks i <= 1000 of gain(i) · p^(i - 1) / sum of p^(i - 1)",
    source: "Moffat and Zobel, TOIS 2008; \(ContinuationModel.source)",
    parameters: [
      MeasureParameter(name: "p", value: "0.8", meaning: "chance to go on"),
      MeasureParameter(name: "rel", value: "none", meaning: "lowest grade with gain 1"),
    ], cutoff: .none)

  private let model: ContinuationModel
  private let persistence: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    model = try ContinuationModel(binary: arguments)
    persistence = try arguments.number("p", default: 0.8)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    model.utility(ranking) { _, _, _ in persistence }
  }
}
