import Failures
import Records

/// The final scores of queries' documents: the model's, perhaps mixed with the first stage's.
package struct FinalScores: Sendable {
  /// Share of the first stage's score in the final one, from 0 to 1; nil where only the model counts.
  private let firstShare: Float?
  /// Keeps those apart that single precision does not.
  package private(set) var steps = ScoreSteps()

  package init(firstShare: Float? = nil) { self.firstShare = firstShare }

  /// The documents of a query with their scores.
  ///
  /// - Parameters:
  ///   - query: The query's id.
  ///   - docs: The documents' ids.
  ///   - scores: The model's scores.
  ///   - logits: What they are made of; nil where they are so already.
  ///   - first: The first stage's score of each document.
  /// - Returns: The documents, in their order.
  /// - Throws: 65 for a score that is not finite.
  package mutating func documents(
    _ query: RecordID, _ docs: [RecordID], _ scores: [Float], logits: [Float]? = nil,
    first: (Int) -> Float = { _ in 0 }
  ) throws(Failure) -> [ScoredDocument] {
    let mixed = scores.enumerated().map { i, score in
      firstShare.map { (1 - $0) * score + $0 * first(i) } ?? score
    }
    for (doc, score) in zip(docs, mixed) where !score.isFinite {
      throw .data("query \(query), document \(doc)", "the score is not a finite number")
    }
    let final = separated(mixed, scores, logits, first)
    return zip(docs, final).map { ScoredDocument(id: $0, score: $1) }
  }

  private mutating func separated(
    _ mixed: [Float], _ scores: [Float], _ logits: [Float]?, _ first: (Int) -> Float
  ) -> [Float] {
    // Where the model has no share, its logits say nothing of the order.
    guard let logits, let share = firstShare else { return steps.separate(mixed, logits: logits) }
    if share == 1 { return mixed }
    // Mixed scores that are equal were mixed of others, perhaps, that are not.
    return steps.separate(
      mixed,
      by: mixed.indices.map { i in
        let exact = Double(1 - share) * Double(scores[i]) + Double(share) * Double(first(i))
        return (exact, Double(logits[i]))
      })
  }
}
