import Records

/// A document that a search found, and what its score comes from.
package struct FoundDocument: Sendable {
  package var id: RecordID
  package var score: Float
  /// Ordinals of what has the score: the document, or those of its passages that count.
  ///
  /// None where nobody asks what scores are made of.
  package var ordinals: [Int]

  package init(id: RecordID, score: Float, ordinals: [Int]) {
    self.id = id
    self.score = score
    self.ordinals = ordinals
  }

  /// Whether the document is ranked before `other`: higher score, then greater or smaller id.
  package func precedes(_ other: FoundDocument, _ ties: RunTies = .trec) -> Bool {
    if score != other.score { return score > other.score }
    return ties == .trec ? id > other.id : id < other.id
  }
}
