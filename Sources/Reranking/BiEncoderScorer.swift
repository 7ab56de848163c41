import Failures
import Kernels
import Retrieval
import Tensors
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

extension BiEncoderScorer {
  /// Scores vectors that are there on both sides, without a model.
  ///
  /// Several vectors a text are compared as ColBERT compares them: the best of the document's for
  /// each of the query's, summed.
  ///
  /// - Parameters:
  ///   - queries: The vectors of queries.
  ///   - docs: Those of documents.
  ///   - kernels: Compute.
  /// - Throws: 78 where they are of different models, similarities or kinds.
  package init(
    stored queries: StoredEmbeddings, _ docs: StoredEmbeddings, _ kernels: Kernels
  ) throws(Failure) {
    let (own, other) = (queries.origin, docs.origin)
    if let own, let other {
      try Self.check(queries.files, docs.files, own.description, other.description)
      guard own.schema.kind == other.schema.kind,
        own.description.dim == other.description.dim
      else {
        throw .config(
          queries.files,
          "the queries were made by \(own.description.words(kind: own.schema.kind)), the documents by "
            + other.description.words(kind: other.schema.kind))
      }
    }
    let similarity = own?.description.similarity ?? "dot"
    guard let comparison = Similarity(rawValue: similarity) else {
      throw .config(queries.files, "similarity \(similarity) is not supported")
    }
    let isMultiple = [.multivector, .coil].contains(own?.schema.kind)
    self.init(
      .stored(queries), .stored(docs),
      EmbeddingComparison(
        comparison, aggregations: isMultiple ? (.sum, .max) : nil, place: queries.files, kernels))
  }

  private static func check(
    _ queries: String, _ docs: String, _ own: StreamDescription, _ other: StreamDescription
  ) throws(Failure) {
    for (what, own, other) in [
      ("model", own.model ?? "none", other.model ?? "none"),
      ("similarity", own.similarity ?? "dot", other.similarity ?? "dot"),
    ] where own != other {
      throw .config(
        queries, "the queries have \(what) \(own), the documents of \(docs) \(what) \(other)")
    }
  }
}
