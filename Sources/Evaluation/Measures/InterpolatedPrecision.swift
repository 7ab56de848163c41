import Failures

/// Interpolated precision at a recall.
package struct InterpolatedPrecision: Measure {
  package static let description = MeasureDescription(
    name: "IPrec", summary: "highest precision at any rank from where a recall is reached",
    formula: "max of P@i over ranks i with at least int(recall · R + 0.9) relevant documents",
    source: "trec_eval's iprec_at_recall", parameters: [.rel, .judgedOnly], cutoff: .recall)

  private let recall: Double
  private let level: Int
  private let judgedOnly: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    recall = try arguments.recall()
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    // trec_eval rounds the number of documents up so, and not otherwise.
    let needed = Int(recall * Double(ranking.relevantCount(level)) + 0.9)
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
