import Failures

/// Average precision inferred from a sample of judgements.
package struct InferredAP: Measure {
  package static let description = MeasureDescription(
    name: "infAP", summary: "average precision estimated from sampled judgements",
    formula: "mean over relevant ranks i of 1/i + (i-1)/i · share in pool · share relevant above i",
    source: "Yilmaz and Aslam, CIKM 2006; trec_eval's infAP (negative grade: pooled, not judged)",
    parameters: [.rel])

  /// trec_eval's INFAP_EPSILON.
  private static let epsilon = 0.00001

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let count = ranking.relevantCount(level)
    if count == 0 { return 0 }
    var sum = 0.0
    var (relevant, nonRelevant, unjudged) = (0, 0, 0)
    for place in ranking.pool {
      let grade = ranking.grades[place]
      if grade == JudgedRanking.pooledUnjudged {
        unjudged += 1
      } else if grade < level {
        nonRelevant += 1
      } else {
        relevant += 1
        sum += expectation(place, relevant - 1, nonRelevant, unjudged)
      }
    }
    return sum / Double(count)
  }

  /// Expected precision at a relevant document behind `above` others.
  private func expectation(
    _ above: Int, _ relevant: Int, _ nonRelevant: Int, _ unjudged: Int
  ) -> Double {
    if above == 0 { return 1 }
    let rank = Double(above)
    let pooled = Double(relevant + nonRelevant + unjudged) / rank
    let share =
      (Double(relevant) + Self.epsilon) / (Double(relevant + nonRelevant) + 2 * Self.epsilon)
    return 1 / (rank + 1) + rank / (rank + 1) * pooled * share
  }
}
