import Failures

/// The reciprocal of the first relevant document's rank.
package struct ReciprocalRank: Measure {
  package static let description = MeasureDescription(
    name: "RR", aliases: ["MRR"],
    summary: "one over the rank of the first relevant document; 0 if there is none",
    formula: "1 / rank of the first document with grade >= rel",
    source:
      "Kantor and Voorhees, TREC-5; trec_eval's recip_rank, its order of ties with a cutoff too",
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
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    guard let rank = ranking.firstRelevant(level), rank <= cutoff else { return 0 }
    return 1 / Double(rank)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    let remaining = TieExpectation(ranking).survival(cutoff: cutoff) {
      ranking.grades[$0] >= level ? 1 : 0
    }
    var (sum, before) = (0.0, 1.0)
    for (place, after) in remaining.enumerated() {
      sum += (before - after) / Double(place + 1)
      before = after
    }
    return sum
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    value(ranking.assumingUnjudged(level)) - value(ranking)
  }
}
