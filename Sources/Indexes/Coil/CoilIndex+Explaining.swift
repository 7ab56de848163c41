import Failures
import JSON
import Kernels
import Retrieval
import Vectors

extension CoilIndex {
  /// The product of the texts' own vectors; for each vector of the query its token, its similarities with
  /// the document's vectors of that token, and what they give, where the document's other vectors have
  /// the similarity 0.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let (sets, _) = try checked(queries[query..<query + 1]) { _ in "the query" }
    let set = sets[0]
    let width = vectors.width
    let own = SimilarityMatrix(set.cls, width: cls.width, scoring.similarity, kernels)
    let vectors = set.ids.indices.map { place in
      SimilarityMatrix(
        Array(set.values[place * width..<(place + 1) * width]), width: width, scoring.similarity,
        kernels)
    }
    return try ordinals.map { ordinal throws(Failure) in
      let document = cls.rows(ordinal..<ordinal + 1, scratch: AlignedBuffer(count: cls.width))
      let text = own.rows(Array(UnsafeBufferPointer(start: document.base, count: cls.width)))
      var terms: [JSON] = []
      for (place, token) in set.ids.enumerated() {
        terms.append(try term(token, vectors[place], ordinal, name))
      }
      return [
        JSON.Member("aggregation", .string(scoring.aggregations.text)),
        JSON.Member("cls", .number(text.first?.first ?? 0)),
        JSON.Member("terms", .array(terms)),
      ]
    }
  }

  private func term(
    _ token: Int32, _ query: SimilarityMatrix, _ ordinal: Int, _ name: (Int32) -> String?
  ) throws(Failure) -> JSON {
    let found = try postings.postings(postings.range(of: token), of: ordinal..<ordinal + 1)
    let rows = vectors.rows(found, scratch: AlignedBuffer(count: found.count * vectors.width))
    let values = UnsafeBufferPointer(start: rows.base, count: found.count * vectors.width)
    let similarities = query.rows(Array(values)).first ?? []
    let others = Int(postings.lengths[ordinal]) - found.count
    let all = similarities + repeatElement(0, count: max(0, others))
    return .object([
      JSON.Member("term", .token(token, name(token))),
      JSON.Member("score", .number(scoring.aggregations.doc.value(of: all))),
      JSON.Member("similarities", .array(similarities.map { .number($0) })),
    ])
  }
}
