import Failures
import Kernels

/// The score of a query's and a document's embeddings, as the model that made them has it.
package struct EmbeddingComparison: Sendable {
  private let place: String
  private let similarity: Similarity
  private let interaction: VectorInteraction?
  private let learned: (any LearnedInteraction)?
  /// Compares the texts' own vectors of models that have one beside those of the tokens.
  private let cls: VectorInteraction
  private let kernels: Kernels

  /// - Parameters:
  ///   - similarity: What the score of two vectors is.
  ///   - aggregations: How the similarities of several vectors a text become one score; nil for a
  ///     model that gives one vector a text.
  ///   - learned: What makes scores of several vectors a text in the place of that; nil for nothing.
  ///   - place: The model's name, for messages.
  ///   - kernels: What compares.
  package init(
    _ similarity: Similarity, aggregations: (query: Aggregation, doc: Aggregation)?,
    learned: (any LearnedInteraction)? = nil, place: String, _ kernels: Kernels
  ) {
    self.place = place
    self.learned = learned
    self.similarity = similarity
    self.kernels = kernels
    interaction = aggregations.map {
      VectorInteraction(similarity, query: $0.query, doc: $0.doc, kernels)
    }
    cls = VectorInteraction(similarity, query: .sum, doc: .sum, kernels)
  }

  /// Scores of one query with some documents.
  ///
  /// - Throws: 78 where the embeddings are of different kinds.
  package func scores(
    _ queries: Embeddings, _ query: Int, _ docs: Embeddings, _ wanted: ArraySlice<Int>
  ) throws(Failure) -> [Float] {
    switch (queries, docs) {
    case (.dense(let q, let width), .dense(let d, let other)) where width == other:
      return dense(q[query * width..<(query + 1) * width], d, wanted)
    case (.sparse(let q), .sparse(let d)):
      let comparison = SparseComparison(similarity)
      return wanted.map { comparison.score(q[query], d[$0]) }
    case (.vectors(let q, let shape), .vectors(let d, let other))
    where shape == other && learned != nil:
      return try learned?.scores(q[query], wanted.map { d[$0] }, width: shape.width) ?? []
    case (.vectors(let q, let shape), .vectors(let d, let other))
    where shape == other && interaction != nil:
      return vectors(q[query], d, wanted, shape)
    default:
      throw .config(place, "the embeddings of queries and documents are of different kinds")
    }
  }

  private func dense(
    _ query: ArraySlice<Float>, _ docs: [Float], _ wanted: ArraySlice<Int>
  ) -> [Float] {
    let dimension = query.count
    let comparison = DenseComparison(Array(query), count: 1, similarity, kernels)
    let rows = AlignedBuffer(count: dimension)
    let score = AlignedBuffer(count: 1)
    return wanted.map { doc in
      docs.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return 0 }
        let row = MatrixView(base + doc * dimension, rows: 1, columns: dimension)
        comparison.score(row, scratch: rows, into: score.matrix(rows: 1, columns: 1))
        return score.pointer[0]
      }
    }
  }

  private func vectors(
    _ query: VectorSet, _ docs: [VectorSet], _ wanted: ArraySlice<Int>, _ shape: VectorShape
  ) -> [Float] {
    guard let interaction else { return [] }
    // Only COIL compares equal tokens alone.
    let ids = shape.cls == nil ? [] : query.ids
    let tokens = interaction.query(query.values, width: shape.width, ids: ids)
    let own = shape.cls.map { cls.query(query.cls, width: $0) }
    return wanted.map { doc in
      let score = interaction.score(tokens, docs[doc].values, ids: docs[doc].ids)
      return own.map { cls.score($0, docs[doc].cls) + score } ?? score
    }
  }
}
