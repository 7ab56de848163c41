import Failures

/// Precision at the number of relevant documents.
package struct RPrecision: Measure {
  package static let description = MeasureDescription(
    name: "Rprec", aliases: ["RPrec"],
    summary: "precision among as many documents as there are relevant ones",
    formula: "P@R,  R = number of relevant documents", source: "TREC-2; trec_eval's Rprec",
    parameters: [.rel, .judgedOnly])

  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return Double(ranking.relevantRetrieved(level, cutoff: relevant)) / Double(relevant)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    return TieExpectation(ranking).hits(level, cutoff: relevant) / Double(relevant)
  }
}
