import Failures
import Vectors

/// An index that knows the vectors of its documents.
package protocol VectorSource: SearchableIndex {
  /// Vectors of some documents, in their order: the numbers that `search` compares.
  ///
  /// - Throws: 65 for damaged files.
  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings
}

/// An index of one vector a document, which have a mean.
package protocol VectorIndex: VectorSource {
  /// What the score of two vectors is.
  var similarity: Similarity { get }
}

/// Pseudo-relevance feedback on vectors: a query is moved towards the documents that it finds.
///
/// The new query is α times the query plus β times the mean of the first documents' vectors (Rocchio
/// without documents that are not relevant; Li et al., arXiv:2108.11044, as Pyserini's
/// `DenseVectorRocchioPrf` has it; α = 1/(k+1) and β = k/(k+1) is its `DenseVectorAveragePrf`). Where
/// scores are cosines, all vectors are brought to length 1 before.
package struct VectorFeedback: Sendable, Equatable {
  /// How many documents are looked at.
  package let documents: Int
  package let alpha: Double
  package let beta: Double

  /// Reads `K:ALPHA:BETA`.
  ///
  /// - Throws: 64 for a text of another form.
  package init(parsing text: String) throws(Failure) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, let documents = Int(parts[0]), documents >= 1,
      let alpha = Double(parts[1]), let beta = Double(parts[2]), alpha.isFinite, beta.isFinite
    else {
      throw .usage(
        "--prf: expected K:ALPHA:BETA, such as 3:0.4:0.6, found \(text)",
        hint: "K documents, at least 1, and what query and documents count")
    }
    self.documents = documents
    self.alpha = alpha
    self.beta = beta
  }

  /// A request with queries that were moved; one that finds nothing stays where it is.
  ///
  /// - Throws: As searching does; 78 for an index of vectors that have no mean.
  package func expanding(
    _ request: SearchRequest, _ index: any VectorIndex
  ) throws(Failure) -> SearchRequest {
    var first = request
    first.k = min(documents, max(1, index.documents.count))
    first.floor = -.infinity
    var expanded = request
    var dense: [Float] = []
    var sparse: [SparseVector] = []
    for (query, entries) in try index.search(first).enumerated() {
      let found = try index.vectors(of: entries.map { Int($0.ordinal) })
      switch (request.queries, found) {
      case (.dense(let values, let width), .dense(let vectors, _)):
        let own = Array(values[query * width..<(query + 1) * width])
        dense += entries.isEmpty ? own : moved(own, vectors, isCosine: index.similarity == .cosine)
        expanded.queries = .dense(dense, dimension: width)
      case (.sparse(let queries), .sparse(let vectors)):
        sparse.append(
          vectors.isEmpty
            ? queries[query]
            : moved(
              queries[query], vectors, isCosine: index.similarity == .cosine))
        expanded.queries = .sparse(sparse)
      default:
        throw .config("--prf", "\(request.queries.form) cannot be moved towards \(found.form)")
      }
    }
    return expanded
  }

  private static func inverseLength(_ values: ArraySlice<Float>) -> Double {
    let length = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return length > 0 ? 1 / length : 0
  }

  /// Sums run in double precision, documents in the order of the ranking.
  private func moved(_ query: [Float], _ vectors: [Float], isCosine: Bool) -> [Float] {
    let width = query.count
    let count = vectors.count / width
    func scale(_ row: ArraySlice<Float>) -> Double { isCosine ? Self.inverseLength(row) : 1 }
    let own = scale(query[...])
    var sums = [Double](repeating: 0, count: width)
    for document in 0..<count {
      let row = vectors[document * width..<(document + 1) * width]
      let factor = scale(row)
      for (place, value) in row.enumerated() { sums[place] += factor * Double(value) }
    }
    return zip(query, sums).map { Float(alpha * own * Double($0) + beta * $1 / Double(count)) }
  }

  private func moved(
    _ query: SparseVector, _ vectors: [SparseVector], isCosine: Bool
  ) -> SparseVector {
    func scale(_ vector: SparseVector) -> Double {
      isCosine ? Self.inverseLength(vector.values[...]) : 1
    }
    var weights: [Int32: Double] = [:]
    for vector in vectors {
      let factor = scale(vector)
      for (term, value) in zip(vector.indices, vector.values) {
        weights[term, default: 0] += factor * Double(value)
      }
    }
    let own = scale(query)
    for (term, weight) in weights { weights[term] = beta * weight / Double(vectors.count) }
    for (term, value) in zip(query.indices, query.values) {
      weights[term, default: 0] += alpha * own * Double(value)
    }
    let terms = weights.sorted { $0.key < $1.key }.filter { Float($0.value) != 0 }
    return SparseVector(indices: terms.map(\.key), values: terms.map { Float($0.value) })
  }
}
