import Failures

/// Share of judged documents.
package struct Judged: Measure {
  package static let description = MeasureDescription(
    name: "Judged", summary: "share of judged documents among the first k that there are",
    formula: "(number of ranks i <= k with a judgement) / min(k, retrieved)",
    source: "ir_measures; ties in trec_eval's order", cutoff: .optional)

  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) { cutoff = try arguments.cutoff() }

  package func value(_ ranking: JudgedRanking) -> Double {
    let depth = min(cutoff, ranking.count)
    let judged = ranking.pool.firstIndex { $0 >= depth } ?? ranking.pool.count
    return depth == 0 ? 0 : Double(judged) / Double(depth)
  }

  package var takesFractions: Bool { true }

  package var tieEffect: TieEffect { .monotone { $0 == JudgedRanking.unjudged ? 0 : 1 } }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let depth = min(cutoff, ranking.count)
    if depth == 0 { return 0 }
    return TieExpectation(ranking).sum(
      cutoff: depth, gain: { ranking.grades[$0] == JudgedRanking.unjudged ? 0 : 1 },
      weight: { _ in 1 / Double(depth) })
  }
}
