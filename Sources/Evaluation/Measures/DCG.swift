import Failures

/// Discounted cumulative gain.
package struct DCG: Measure {
  package static let description = MeasureDescription(
    name: "dcg", summary: "gain of the ranked documents, discounted by rank",
    formula: "sum over ranks i <= k of gain(i) / log2(i + 1)", source: "trec_eval 10's dcg",
    parameters: [.gains], cutoff: .optional)

  private let cutoff: Int
  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    gains = GainTable(try arguments.table("gains"))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    gains.discounted(ranking, cutoff: cutoff)
  }

  package var tieEffect: TieEffect { gains.tieEffect }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    gains.expectedDiscounted(ranking, cutoff: cutoff)
  }
}
