import Failures

/// Rank-biased precision.
package struct RankBiasedPrecision: Measure {
  package static let description = MeasureDescription(
    name: "RBP",
    summary: "precision for a user who goes on to the next rank with chance p",
    formula: "sum over ranks i <= k, 1000 of gain(i) · p^(i - 1) / sum over i <= 1000 of p^(i - 1)",
    source: "Moffat and Zobel, TOIS 2008; \(ContinuationModel.source)",
    parameters: [
      MeasureParameter(name: "p", value: "0.8", meaning: "chance to go on"),
      MeasureParameter(
        name: "rel", value: "none", meaning: "lowest grade with gain 1; without it as rbp(p)"),
    ], cutoff: .optional)

  /// Gains by `rel`, or trec_eval's graded ones.
  private enum Gains: Sendable {
    case binary(ContinuationModel, level: Int)
    case graded(TrecRBP)
  }

  private let gains: Gains
  private let cutoff: Int
  private let persistence: Double

  package init(_ arguments: MeasureArguments) throws(Failure) {
    persistence = try arguments.number("p", default: 0.8)
    cutoff = try arguments.cutoff()
    gains =
      arguments.has("rel")
      ? .binary(try ContinuationModel(binary: arguments), level: try arguments.relevanceLevel())
      : .graded(TrecRBP(persistence: persistence))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ranking = ranking.prefix(cutoff)
    return switch gains {
    case .binary(let model, _): model.utility(ranking) { _, _, _ in persistence }
    case .graded(let measure): measure.value(ranking)
    }
  }

  package var tieEffect: TieEffect {
    switch gains {
    case .binary(_, let level): .monotone(above: level)
    case .graded(let measure): measure.tieEffect
    }
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    switch gains {
    case .binary(let model, _):
      model.expectedUtility(ranking, cutoff: cutoff) { _ in persistence }
    case .graded(let measure): cutoff == .max ? measure.expectation(ranking) : nil
    }
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    switch gains {
    case .binary(let model, let level):
      let shown = ranking.prefix(cutoff)
      // Behind the last document anything could come.
      let places = min(cutoff, ContinuationModel.depth)
      let missing = [Int](repeating: level, count: max(0, places - shown.count))
      let best = JudgedRanking(
        grades: shown.assumingUnjudged(level).grades + missing, judgedGrades: shown.judgedGrades)
      return model.utility(best) { _, _, _ in persistence } - value(ranking)
    case .graded(let measure): return cutoff == .max ? measure.residual(ranking) : nil
    }
  }
}
