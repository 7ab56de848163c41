import Failures

/// Interpolated precision at a recall.
package struct InterpolatedPrecision: InterpolatingMeasure {
  package static let description = MeasureDescription(
    name: "IPrec", summary: "highest precision at any rank from where a recall is reached",
    formula: "max of P@i over ranks i with at least int(recall · R + 0.9) relevant documents",
    source: "trec_eval 9's iprec_at_recall; trec:IPrec rounds to the nearest as trec_eval 10 does,"
      + "\n  pytrec_eval:IPrec the recall to two decimals as ir_measures does",
    parameters: [.rel, .judgedOnly], cutoff: .recall)

  private let recall: Double
  var recalls: [Double] { [recall] }
  private let level: Int
  private let judgedOnly: Bool
  private let roundsToNearest: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    let recall = try arguments.recall()
    // ir_measures asks pytrec_eval for two decimals.
    self.recall =
      arguments.name.provider == "pytrec_eval"
      ? Double(DecimalText.fixed(recall, 2)) ?? recall : recall
    roundsToNearest = arguments.name.provider == "trec"
    level = try arguments.relevanceLevel()
    judgedOnly = try arguments.boolean("judged_only", default: false)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let share = recall * Double(ranking.relevantCount(level))
    let needed = roundsToNearest ? Int(share.rounded()) : Int(share + 0.9)
    let ranking = judgedOnly ? ranking.judgedOnly : ranking
    var best = 0.0
    var found = 0
    // Between relevant documents precision falls.
    ranking.forEachRelevant(level) { rank in
      found += 1
      if found >= needed { best = max(best, Double(found) / Double(rank)) }
    }
    return best
  }

  package var tieEffect: TieEffect { .monotone(above: level) }
}

/// A measure of precision at recalls, whatever it was before them.
protocol InterpolatingMeasure: Measure {
  /// The recalls at which precision is interpolated.
  var recalls: [Double] { get }
}
