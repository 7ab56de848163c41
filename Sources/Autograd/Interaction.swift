import Vectors

/// The vectors of texts, as rows of one matrix.
package struct VectorGroups: Sendable, Equatable {
  /// Rows of the vectors of each text.
  package var rows: [[Int]]
  /// The token of each vector, where only those of equal tokens are compared; else empty.
  package var tokens: [[Int32]]

  package init(rows: [[Int]], tokens: [[Int32]] = []) {
    precondition(
      tokens.isEmpty || tokens.map(\.count) == rows.map(\.count), "a token for every vector")
    self.rows = rows
    self.tokens = tokens
  }

  /// One vector a text, in order.
  package init(texts: Int) { self.init(rows: (0..<texts).map { [$0] }) }

  /// Every vector as a text of its own.
  package var single: VectorGroups {
    VectorGroups(rows: rows.flatMap { $0.map { [$0] } })
  }

  /// The texts of others behind one another, whose matrices are `sizes` rows long.
  package init(joining groups: [VectorGroups], sizes: [Int]) {
    var (rows, tokens): ([[Int]], [[Int32]]) = ([], [])
    var first = 0
    for (group, size) in zip(groups, sizes) {
      rows += group.rows.map { $0.map { $0 + first } }
      tokens += group.tokens
      first += size
    }
    self.init(rows: rows, tokens: tokens)
  }
}

/// Rule by which the vectors of a query and a document become one score.
///
/// ColBERT's MaxSim (arXiv:2004.12832) and its relatives; with one vector each it is their
/// similarity. Lightning IR `bi_encoder/bi_encoder_model.py`, `aggregate_similarity`.
package struct Interaction: Sendable, Equatable {
  /// `dot` or `l2`: a cosine is the dot product of vectors that are normalised beforehand.
  package let similarity: Similarity
  package var queryAggregation: Aggregation
  package var docAggregation: Aggregation
  /// Nil where every vector of a document counts.
  package var retrieval: TokenRetrieval?

  package init(
    _ similarity: Similarity = .dot, query: Aggregation = .sum, doc: Aggregation = .max,
    retrieval: TokenRetrieval? = nil
  ) {
    precondition(similarity != .cosine, "normalise the vectors and take their dot product")
    self.similarity = similarity
    queryAggregation = query
    docAggregation = doc
    self.retrieval = retrieval
  }
}

/// Training as if a document's vectors had to be retrieved first (XTR, arXiv:2304.01982).
///
/// Similarities below the largest ones count 0, and the maxima of what is left are averaged over the
/// query's vectors that found something, whatever the aggregations.
package struct TokenRetrieval: Sendable, Equatable {
  /// Similarities among which the largest are looked for.
  package enum Scope: String, Sendable, CaseIterable {
    /// Similarities of all vectors of a query with its documents, together (Lightning IR
    /// `models/bi_encoders/col.py`, `_score_xtr_in_batch`).
    case query
    /// Similarities of each vector of a query with all documents of the batch, as in the paper.
    case batch
  }

  /// Number of similarities that are retrieved.
  package var count: Int
  package var scope: Scope

  package init(count: Int, scope: Scope = .query) {
    precondition(count > 0, "retrieval of \(count) vectors")
    self.count = count
    self.scope = scope
  }
}
