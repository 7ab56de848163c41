import Failures
import Records

/// The final scores of a query's documents: the model's, perhaps mixed with the first stage's.
package struct FinalScores: Sendable {
  /// Share of the first stage's score in the final one, from 0 to 1; nil where only the model counts.
  private let firstShare: Float?

  package init(firstShare: Float? = nil) { self.firstShare = firstShare }

  /// The documents of a query with their scores.
  ///
  /// - Parameters:
  ///   - query: The query's id.
  ///   - docs: The documents' ids.
  ///   - scores: The model's scores.
  ///   - first: The first stage's score of each document.
  /// - Returns: The documents, in their order.
  /// - Throws: 65 for a score that is not finite.
  package func documents(
    _ query: RecordID, _ docs: [RecordID], _ scores: [Float], first: (Int) -> Float = { _ in 0 }
  ) throws(Failure) -> [ScoredDocument] {
    var documents: [ScoredDocument] = []
    for (i, (doc, score)) in zip(docs, scores).enumerated() {
      let final = firstShare.map { (1 - $0) * score + $0 * first(i) } ?? score
      guard final.isFinite else {
        throw .data("query \(query), document \(doc)", "the score is not a finite number")
      }
      documents.append(ScoredDocument(id: doc, score: final))
    }
    return documents
  }
}
