/// Keeps scores apart that are equal in single precision, although what they were made of differs.
///
/// A sigmoid is 1 for every logit above 17: such scores rank by id, and the model's order is lost. So
/// the documents of a query go in the order of their logits, and each that has no lower score than the
/// one before it gets the next lower number that single precision has. Equal logits keep equal scores.
package struct ScoreSteps: Sendable {
  /// Scores that were lowered so far.
  package private(set) var lowered = 0

  package init() {}

  /// The scores of a query's documents, those lowered that have to be.
  ///
  /// - Parameters:
  ///   - scores: The scores.
  ///   - keys: What each score stands for, the first number first: of two documents the one with the
  ///     higher key belongs in front.
  /// - Returns: The scores, in their places.
  package mutating func separate(_ scores: [Float], by keys: [(Double, Double)]) -> [Float] {
    var result = scores
    let order = scores.indices.sorted { keys[$0] > keys[$1] }
    for (above, index) in zip(order, order.dropFirst()) {
      if keys[above] == keys[index] {
        result[index] = result[above]
      } else if result[index] >= result[above], result[above].isFinite {
        result[index] = result[above].nextDown
      }
    }
    lowered += zip(result, scores).count { $0 != $1 }
    return result
  }

  /// The scores of a query's documents in the order of the logits.
  package mutating func separate(_ scores: [Float], logits: [Float]?) -> [Float] {
    guard let logits else { return scores }
    return separate(scores, by: logits.map { (Double($0), 0) })
  }

  /// What a user is to be told; nil where nothing was lowered.
  package var warning: String? {
    if lowered == 0 { return nil }
    let scores =
      lowered == 1
      ? "1 score equals another in single precision although its logit differs: it is "
      : "\(lowered) scores equal others in single precision although their logits differ: they are "
    return scores
      + "lowered by single steps, which keeps the order; --score logit writes the logits"
  }
}
