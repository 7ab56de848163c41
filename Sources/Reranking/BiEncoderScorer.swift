import Failures
import Vectors

/// Scores query and document embedded apart.
package struct BiEncoderScorer: PairScorer {
  private let queries: EmbeddingSource
  private let docs: EmbeddingSource
  private let comparison: EmbeddingComparison

  package var needs: NeededTexts {
    NeededTexts(queries: queries.readsTexts, docs: docs.readsTexts)
  }

  /// - Parameters:
  ///   - queries: Where the embeddings of queries come from.
  ///   - docs: Where the embeddings of documents come from.
  ///   - comparison: Makes scores of them.
  package init(
    _ queries: EmbeddingSource, _ docs: EmbeddingSource, _ comparison: EmbeddingComparison
  ) {
    self.queries = queries
    self.docs = docs
    self.comparison = comparison
  }

  package func score(
    _ window: PairWindow
  ) throws(Failure) -> WindowScores {
    let queries = try self.queries.embeddings(window.queryIDs, texts: window.queries) {
      window.place(query: $0)
    }
    let flat = window.docIDs.enumerated().flatMap { query, docs in docs.indices.map { (query, $0) }
    }
    let docs = try self.docs.embeddings(
      window.docIDs.flatMap { $0 }, texts: window.docs.flatMap { $0 }
    ) { window.place(query: flat[$0].0, doc: flat[$0].1) }
    var scores: [[Float]] = []
    var start = 0
    for (query, list) in window.docIDs.enumerated() {
      let places = docs.places[start..<start + list.count]
      scores.append(
        try comparison.scores(queries.embeddings, queries.places[query], docs.embeddings, places))
      start += list.count
    }
    return WindowScores(scores: scores, truncated: queries.truncated + docs.truncated)
  }
}
