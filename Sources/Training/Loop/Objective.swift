/// One term of what training makes small.
package struct LossTerm: Sendable {
  package enum Kind: Sendable {
    /// Of the scores of each query's own documents.
    case scoring(any ScoringLoss)
    /// Of scores with documents of the whole batch.
    case inBatch(InBatchCrossEntropy)
    /// Of the embeddings.
    case regularization(Regularization)
    /// Of the similarities of a query with each vector of its documents.
    case views(ContrastiveLocalLoss)
  }

  /// As configurations and metrics call it.
  package var name: String
  package var kind: Kind
  package var weight: Double

  package init(_ name: String, _ kind: Kind, weight: Double = 1) {
    self.name = name
    self.kind = kind
    self.weight = weight
  }

  /// Whether the term needs embeddings of queries and documents, which a cross-encoder has not.
  package var needsEmbeddings: Bool {
    if case .scoring = kind { false } else { true }
  }
}

/// What a batch costs, term by term.
package struct BatchLoss: Sendable {
  /// Before weights, in the order of the terms.
  package var terms: [Double]
  /// Their weighted sum.
  package var total: Double
  /// Scores of each query's own documents, [B,N].
  package var scores: ScoreTable
}
