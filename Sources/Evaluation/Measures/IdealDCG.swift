import Failures

/// The discounted cumulative gain of the best ranking.
package struct IdealDCG: Measure {
  package static let description = MeasureDescription(
    name: "ideal_dcg", summary: "discounted gain of the best possible ranking",
    formula: "sum over i <= k of the i-th greatest gain / log2(i + 1)",
    source: "trec_eval 10's ideal_dcg", parameters: [.gains], cutoff: .optional)

  private let cutoff: Int
  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    gains = GainTable(try arguments.table("gains"))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    gains.idealDiscounted(ranking, cutoff: cutoff)
  }

  package var tieEffect: TieEffect { .none }
}
