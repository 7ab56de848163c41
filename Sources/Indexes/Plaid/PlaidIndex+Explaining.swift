import Failures
import JSON
import Retrieval
import Vectors

extension PlaidIndex: ExplainingIndex {
  /// The scores of all vectors of the query, a row each, with those of the document as its codes have
  /// them, and the largest of each row; with the tokens that the query's vectors belong to, where its
  /// stream says them.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let set = try checked(queries[query..<query + 1]) { _ in "the query" }[0]
    var results: [[JSON.Member]] = []
    for ordinal in ordinals {
      if !references.isEmpty {
        let place = documents.place(of: ordinal)
        results += try references[place.table].explanations(
          queries, query, of: [place.ordinal], naming: name)
        continue
      }
      let rows = try matrix(set, ordinal)
      let aggregations = scoring.aggregations
      var members = [
        JSON.Member(
          "aggregation",
          .string("\(aggregations.query.rawValue),\(aggregations.doc.rawValue)")),
        JSON.Member("scores", .array(rows.map { .number($0.reduce(-.infinity, max)) })),
        JSON.Member("matrix", .array(rows.map { .array($0.map { .number($0) }) })),
      ]
      if !set.ids.isEmpty {
        members.insert(
          JSON.Member(
            "tokens",
            .array(set.ids.map { token in name(token).map { .string($0) } ?? .integer(Int(token)) })
          ),
          at: 1)
      }
      results.append(members)
    }
    return results
  }

  /// The scores of a query's vectors with a document's.
  private func matrix(_ set: VectorSet, _ ordinal: Int) throws(Failure) -> [[Float]] {
    guard !set.values.isEmpty else { return [] }
    let own = PlaidQuery(set.values, width: width, scoring.similarity, kernels)
    let place = documents.place(of: ordinal)
    var rows = [[Float]](repeating: [], count: own.count)
    try withRoom { room throws(Failure) in
      room.centroids.score(own)
      try room.tokens.scores(
        [Int32(place.ordinal)], of: segments[place.table], room.centroids, isMasked: false
      ) { scores in
        for vector in rows.indices {
          rows[vector].append(own.score(vector, scores[vector], scoring.similarity))
        }
      }
    }
    return rows
  }
}
