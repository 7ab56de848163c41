import Failures

/// Share of documents without a judgement.
package struct Unjudged: Measure {
  package static let description = MeasureDescription(
    name: "unj", summary: "share of unjudged documents among k; missing ones are no such",
    formula: "(number of ranks i <= k without a judgement, or with a negative one) / k",
    source: "trec_eval 10's unj", cutoff: .required)

  private let cutoff: Int

  package init(_ arguments: MeasureArguments) throws(Failure) { cutoff = try arguments.cutoff() }

  package func value(_ ranking: JudgedRanking) -> Double {
    let judged = ranking.relevantRetrieved(0, cutoff: cutoff)
    return Double(min(cutoff, ranking.count) - judged) / Double(cutoff)
  }

  package var takesFractions: Bool { true }

  package var tieEffect: TieEffect { .monotone { $0 < 0 ? 1 : 0 } }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    TieExpectation(ranking).sum(
      cutoff: cutoff, gain: { ranking.grades[$0] < 0 ? 1 : 0 },
      weight: { _ in 1 / Double(cutoff) })
  }
}
