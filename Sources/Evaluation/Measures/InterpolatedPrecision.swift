import Failures

/// Interpolated precision at a recall.
package struct InterpolatedPrecision: Measure {
  package static let description = MeasureDescription(
    name: "IPrec", summary: "highest precision at any rank from where a recall is reached",
    formula: "max of P@i over ranks i with at least int(recall · R + 0.9) relevant documents",
    source: "trec_eval 9's iprec_at_recall; trec:IPrec rounds to the nearest as trec_eval 10 does",
    parameters: [.rel, .judgedOnly], cutoff: .recall)

  private let recall: Double
  private let level: Int
  private let judgedOnly: Bool
  private let roundsToNearest: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    recall = try arguments.recall()
    roundsToNearest = arguments.name.provider == "trec"
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let share = recall * Double(ranking.relevantCount(level))
    let needed = roundsToNearest ? Int(share.rounded()) : Int(share + 0.9)
    let grades = judgedOnly ? ranking.judgedOnly.grades : ranking.grades
    var best = 0.0
    var found = 0
    for (i, grade) in grades.enumerated() {
      if grade >= level { found += 1 }
      if found >= needed { best = max(best, Double(found) / Double(i + 1)) }
    }
    return best
  }
}
