import Failures

/// A linear utility of the contingency table of retrieved and relevant documents.
package struct Utility: Measure {
  package static let description = MeasureDescription(
    name: "utility", summary: "weighted sum of hits, false alarms, misses and correct rejections",
    formula: "a·(rel, ret) + b·(not rel, ret) + c·(rel, not ret) + d·(not rel, not ret)",
    source: "TREC filtering tracks; trec_eval's utility",
    parameters: [
      .rel,
      MeasureParameter(name: "a", value: "1", meaning: "weight of relevant and retrieved"),
      MeasureParameter(name: "b", value: "-1", meaning: "weight of not relevant, retrieved"),
      MeasureParameter(name: "c", value: "0", meaning: "weight of relevant, not retrieved"),
      MeasureParameter(name: "d", value: "0", meaning: "weight of neither"),
      MeasureParameter(name: "docs", value: "0", meaning: "number of documents in all"),
    ])

  private let level: Int
  private let weights: [Double]
  private let documents: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    var weights: [Double] = []
    for (key, initial) in [("a", 1.0), ("b", -1.0), ("c", 0.0), ("d", 0.0)] {
      weights.append(try arguments.signedNumber(key, default: initial))
    }
    self.weights = weights
    documents = try arguments.integer("docs", default: 0)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let hits = ranking.relevantRetrieved(level)
    let relevant = ranking.relevantCount(level)
    let retrieved = ranking.count
    return weights[0] * Double(hits) + weights[1] * Double(retrieved - hits)
      + weights[2] * Double(relevant - hits)
      + weights[3] * (Double(documents) + Double(hits - retrieved - relevant))
  }

  package var tieEffect: TieEffect { .none }
}
