import Failures

/// Average precision.
package struct AveragePrecision: Measure {
  package static let description = MeasureDescription(
    name: "AP", aliases: ["MAP"],
    summary: "mean of the precision at the rank of each relevant document; 0 for those not found",
    formula: "(sum of P@i over ranks i <= k with grade >= rel) / number of relevant documents",
    source: "Harman, TREC-1; trec_eval's map and map_cut",
    parameters: [.rel, .judgedOnly], cutoff: .optional)

  private let cutoff: Int
  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    var sum = 0.0
    var found = 0
    ranking.forEachRelevant(level, cutoff: cutoff) { rank in
      found += 1
      sum += Double(found) / Double(rank)
    }
    return sum / Double(relevant)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    let sum = TieExpectation(ranking).precisionSum(cutoff: cutoff) { ranking.grades[$0] >= level }
    return sum / Double(relevant)
  }
}
