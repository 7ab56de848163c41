import Failures

/// Precision at a multiple of the number of relevant documents.
package struct RPrecisionMultiple: Measure {
  package static let description = MeasureDescription(
    name: "Rprec_mult", summary: "precision among x times as many documents as are relevant",
    formula: "P@int(x · R + 0.9),  R = number of relevant documents; 0 where that is P@0",
    source: "trec_eval's Rprec_mult", parameters: [.rel], cutoff: .multiple)

  private let factor: Double
  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    factor = try arguments.multiple()
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let cutoff = Int(clamping: factor * Double(ranking.relevantCount(level)) + 0.9)
    if cutoff < 1 { return 0 }
    return Double(ranking.relevantRetrieved(level, cutoff: cutoff)) / Double(cutoff)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let cutoff = Int(clamping: factor * Double(ranking.relevantCount(level)) + 0.9)
    if cutoff < 1 { return 0 }
    return TieExpectation(ranking).hits(level, cutoff: cutoff) / Double(cutoff)
  }
}
