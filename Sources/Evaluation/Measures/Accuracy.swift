import Failures

/// The chance that a relevant document is ranked before another.
package struct Accuracy: Measure {
  package static let description = MeasureDescription(
    name: "Accuracy",
    summary: "chance that a relevant document stands before one that is not, among the first k",
    formula: "share of pairs in order;  a query counts only where something relevant is found",
    source: "ir_measures' accuracy", parameters: [.rel], cutoff: .optional,
    aggregation: .definedMean)

  private let cutoff: Int
  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    var (found, before) = (0, 0)
    ranking.forEachRelevant(level, cutoff: cutoff) { rank in
      before += rank - 1 - found
      found += 1
    }
    if found == 0 { return .nan }
    let others = min(cutoff, ranking.count) - found
    return others == 0 ? 1 : 1 - Double(before) / (Double(others) * Double(found))
  }
}
