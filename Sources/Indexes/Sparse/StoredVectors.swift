import Failures
import IndexFormat
import JSON
import Retrieval
import Vectors

/// The vectors of a segment and what their scores are: a sum over the query's terms in ascending
/// order, one fused multiply-add each, by which every type of sparse vectors gives the same bits.
struct StoredVectors: Sendable {
  let vectors: DocumentVectors
  let similarity: Similarity
  /// The index, for messages.
  let place: String

  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not searched
  ///   by.
  init(_ segment: IndexSegment, _ files: DocumentVectors.Files) throws(Failure) {
    place = segment.folder
    similarity = try Sparse.similarity(segment.manifest.source, segment.folder)
    vectors = try DocumentVectors(segment, files)
  }

  /// The score of a document; nil where it has no term of the query.
  ///
  /// - Parameters:
  ///   - document: Its number.
  ///   - query: The query.
  ///   - terms: The query's weights by term.
  /// - Returns: The bits that every search gives.
  func score(_ document: Int, _ query: SparseQuery, _ terms: QueryTerms) -> Float? {
    guard let product = terms.product(vectors, document) else { return nil }
    if !query.isCosine { return product }
    return product / (query.norm * max(vectors.norm(document), SparseComparison.epsilon))
  }

  /// The queries of a request.
  ///
  /// - Throws: 65 and 78 for those that the index cannot answer.
  func queries(_ request: SearchRequest) throws(Failure) -> [SparseVector] {
    try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
  }

  /// The vectors of queries whose terms ascend within the index's and whose weights are finite;
  /// `name` is what a query is called in messages.
  fileprivate func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [SparseVector] {
    guard case .sparse(let queries) = queries else {
      throw .config(place, "expected sparse queries, found \(queries.form)")
    }
    for (index, query) in queries.enumerated() {
      try query.check(below: vectors.dimension, name(index), index: place)
    }
    return queries
  }
}

/// A sparse query and its length.
struct SparseQuery {
  private(set) var vector: SparseVector
  /// What products are divided by, besides the documents' lengths; 1 for dot products.
  let norm: Float
  let isCosine: Bool

  init(_ vector: SparseVector, _ similarity: Similarity) {
    self.vector = vector
    isCosine = similarity == .cosine
    norm = isCosine ? max(SparseComparison.norm(vector), SparseComparison.epsilon) : 1
  }

  /// A query of the terms that weigh most, whose scores are those of this one's part; nil where it has
  /// no more.
  func pruned(to cut: Int) -> SparseQuery? {
    if vector.indices.count <= cut { return nil }
    let kept = vector.values.indices.sorted { a, b in
      vector.values[a] != vector.values[b] ? vector.values[a] > vector.values[b] : a < b
    }.prefix(cut).sorted()
    var query = self
    query.vector = SparseVector(
      indices: kept.map { vector.indices[$0] }, values: kept.map { vector.values[$0] })
    return query
  }

  /// Whether products tell of scores.
  var isCovered: Bool { norm <= WindowTurn.longest }

  /// A score that one of a product is not above.
  func most(of product: Double) -> Float {
    Float(product / Double(norm) * (1 + 0x1p-20)).nextUp
  }
}

/// An index that keeps the vectors of its documents.
protocol StoredVectorIndex: RescoringIndex, ExplainingIndex, VectorIndex {
  var stored: StoredVectors { get }
}

extension StoredVectorIndex {
  var similarity: Similarity { stored.similarity }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let vector = try stored.checked(queries[query..<query + 1]) { _ in "query" }[0]
    let terms = QueryTerms(stored.vectors.dimension)
    terms.set(vector)
    let query = SparseQuery(vector, similarity)
    return ordinals.map { stored.score($0, query, terms) ?? 0 }
  }

  /// The terms that query and document share, with both weights and what they add.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let vector = try stored.checked(queries[query..<query + 1]) { _ in "query" }[0]
    let norm = SparseQuery(vector, similarity).norm
    return ordinals.map { ordinal in
      let own = stored.vectors.vector(ordinal)
      let weights = Dictionary(zip(own.indices, own.values)) { first, _ in first }
      var members = vector.explanation(naming: name) { weights[$0] }
      if similarity == .cosine {
        members += [
          JSON.Member("query_length", .number(norm)),
          JSON.Member(
            "document_length",
            .number(max(stored.vectors.norm(ordinal), SparseComparison.epsilon))),
        ]
      }
      return members
    }
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    .sparse(ordinals.map(stored.vectors.vector))
  }
}

extension SparseVector {
  /// What the product of a query with a document is made of.
  ///
  /// - Parameters:
  ///   - name: Gives the text of a term, where somebody knows it.
  ///   - weight: Gives the document's weight of a term; nil where it has none.
  /// - Returns: The terms that both have, with both weights and what they add.
  func explanation(
    naming name: (Int32) -> String?, _ weight: (Int32) -> Float?
  ) -> [JSON.Member] {
    var terms: [JSON] = []
    for (term, value) in zip(indices, values) {
      guard let own = weight(term) else { continue }
      terms.append(
        .object([
          JSON.Member("term", name(term).map { .string($0) } ?? .integer(Int(term))),
          JSON.Member("query", .number(value)), JSON.Member("document", .number(own)),
          JSON.Member("score", .number(value * own)),
        ]))
    }
    return [JSON.Member("terms", .array(terms))]
  }

  /// Refuses a query whose terms do not ascend below `terms`, or whose weights are not finite.
  func check(below terms: Int, _ name: String, index place: String) throws(Failure) {
    var last: Int32 = -1
    for (term, value) in zip(indices, values) {
      guard term > last else {
        throw .data(name, "expected terms that ascend from 0, found \(term) behind \(last)")
      }
      guard value.isFinite else { throw .data(name, "expected finite values, found \(value)") }
      last = term
    }
    guard Int(last) < terms else {
      throw .config(place, "\(name) has term \(last), the index has \(terms)")
    }
  }
}
