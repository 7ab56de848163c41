import Failures

/// Interpolated precision, averaged over recall points.
package struct ElevenPointAverage: InterpolatingMeasure {
  package static let description = MeasureDescription(
    name: "11pt_avg", summary: "mean of the interpolated precision at eleven recalls",
    formula: "mean of IPrec@x over x in recalls, as trec:IPrec has it",
    source: "TREC-1; trec_eval's 11pt_avg",
    parameters: [
      .rel,
      MeasureParameter(
        name: "recalls", value: "'0,0.1,…,1'", meaning: "the recalls, separated by commas"),
    ])

  private let level: Int
  let recalls: [Double]

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    recalls =
      try arguments.numbers("recalls")
      ?? [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    var precisions: [Double] = []
    ranking.forEachRelevant(level) { rank in
      precisions.append(Double(precisions.count + 1) / Double(rank))
    }
    // The best from each relevant document on.
    for i in precisions.indices.dropLast().reversed() {
      precisions[i] = max(precisions[i], precisions[i + 1])
    }
    var sum = 0.0
    // From high recall to low, the order in which trec_eval adds.
    for recall in recalls.reversed() {
      let needed = max(1, Int(clamping: (recall * Double(relevant)).rounded()))
      if needed <= precisions.count { sum += precisions[needed - 1] }
    }
    return sum / Double(recalls.count)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }
}
