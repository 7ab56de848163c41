import Failures
import Records
import Vectors

/// What queries are answered with: one ranking, several that are fused, or the documents of one that
/// another one scores.
package struct FusedAnswers {
  private var rankings: [SearchAnswers]
  /// nil where the second ranking finds what the first one scores.
  private let fusion: RunFusion?
  /// Documents a query.
  private let k: Int

  /// One ranking, as it is.
  package init(_ answers: SearchAnswers) {
    rankings = [answers]
    fusion = RunFusion()
    k = .max
  }

  /// - Parameters:
  ///   - rankings: At least one.
  ///   - fusion: How they become one.
  ///   - k: Documents a query.
  package init(_ rankings: [SearchAnswers], _ fusion: RunFusion, k: Int) {
    precondition(!rankings.isEmpty, "nothing to fuse")
    self.rankings = rankings
    self.fusion = fusion
    self.k = k
  }

  /// Two stages.
  ///
  /// - Parameters:
  ///   - answers: What scores.
  ///   - firstStage: What finds the documents that are scored.
  package init(_ answers: SearchAnswers, firstStage: SearchAnswers) {
    rankings = [answers, firstStage]
    fusion = nil
    k = .max
  }

  /// Lets explanations have the texts of tokens and terms.
  mutating func nameTerms(by name: @escaping @Sendable (Int32) -> String?) {
    for place in rankings.indices { rankings[place].nameTerms(by: name) }
  }

  /// Checks that every query of given pairs was there.
  ///
  /// - Throws: 65 for the first that was not.
  func check(queries seen: Set<[UInt8]>) throws(Failure) {
    for answers in rankings { try answers.check(queries: seen) }
  }

  /// The most documents that a query can have.
  ///
  /// - Parameter id: The query's id.
  /// - Returns: Their number, as if no document were found by two rankings that are fused.
  package func mostDocuments(of id: [UInt8]) -> Int {
    let most = rankings.map { $0.mostDocuments(of: id) }
    guard fusion != nil else { return most.min() ?? 0 }
    return min(k, most.reduce(0, +))
  }

  /// The documents of queries.
  ///
  /// - Parameters:
  ///   - ids: The queries' ids.
  ///   - queries: The queries, in the form that each ranking takes.
  /// - Returns: For each query its documents, best first.
  /// - Throws: What searching throws; 65 for a fused score that is not finite.
  package func documents(
    _ ids: [[UInt8]], _ queries: [Embeddings]
  ) throws(Failure) -> [[ScoredDocument]] {
    precondition(queries.count == rankings.count, "queries for each ranking")
    if rankings.count == 1 { return try rankings[0].documents(ids, queries[0]) }
    guard let fusion else {
      let candidates = try rankings[1].documents(ids, queries[1])
      return try rankings[0].documents(
        ids, queries[0], among: candidates.map { $0.map(\.id) })
    }
    let found = try zip(rankings, queries).map { answers, queries throws(Failure) in
      try answers.documents(ids, queries)
    }
    return try ids.indices.map { query throws(Failure) in
      let id = RecordID(ids[query])
      var runs: [Run] = []
      for documents in found {
        var builder = RunBuilder(name: "a ranking")
        for document in documents[query] {
          builder.add(query: id, doc: document.id, score: document.score)
        }
        runs.append(try builder.finish())
      }
      var fused: [ScoredDocument] = []
      try fusion.fuse(runs) { _, documents in
        fused = Array(documents.sorted { $0.precedes($1) }.prefix(k))
      }
      return fused
    }
  }
}
