import Failures
import IndexFormat
import JSON
import Retrieval
import Synchronization
import Vectors
import Workers

/// Search by BM25 a second time, with other weights, which the documents that are found first give.
///
/// They are the first of all segments, and how many documents have a term is counted over all of them.
final class FeedbackIndex: RescoringIndex, ExplainingIndex {
  private let parts: [BM25Index]
  private let whole: SegmentedIndex
  private let statistics: CollectionStatistics
  private let feedback: Feedback
  private let pool: WorkerPool
  /// What the queries of the last search became, which depends on what it let in.
  private let last = Mutex<(queries: [TermWeights], expanded: [TermWeights])>(([], []))

  /// - Parameters:
  ///   - parts: The segments.
  ///   - whole: The same as one index.
  ///   - statistics: Numbers of all documents.
  ///   - feedback: What makes the other weights.
  ///   - work: What searches.
  init(
    _ parts: [BM25Index], _ whole: SegmentedIndex, _ statistics: CollectionStatistics,
    _ feedback: Feedback, _ work: IndexWork
  ) {
    self.parts = parts
    self.whole = whole
    self.statistics = statistics
    self.feedback = feedback
    pool = work.pool
  }

  var documents: SegmentedDocuments { whole.documents }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let queries = try expanded(request)
    let own = try parts[0].counts(request.queries)
    last.withLock { $0 = (own, queries) }
    return try whole.search(request) { part, request throws(Failure) in
      try parts[part].search(request, queries)
    }
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let request = SearchRequest(ids: [[]], queries: queries[query..<query + 1], k: 1)
    let expanded = try expanded(request)[0]
    return try ordinals.map { ordinal throws(Failure) in
      let (part, ordinal) = documents.place(of: ordinal)
      return try parts[part].scores(expanded, of: [ordinal])[0]
    }
  }

  /// The terms that a document shares with what the query became: the weight of each there, and what it
  /// adds.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let own = try parts[0].counts(queries)
    var expanded = last.withLock { $0.queries == own ? $0.expanded[query] : nil }
    if expanded == nil {
      let request = SearchRequest(ids: [[]], queries: queries[query..<query + 1], k: 1)
      expanded = try self.expanded(request)[0]
    }
    guard let expanded else { return [] }
    return try ordinals.map { ordinal throws(Failure) in
      let (part, ordinal) = documents.place(of: ordinal)
      return try parts[part].explanations(expanded, of: [ordinal])[0]
    }
  }

  /// What queries become by the documents that they find first.
  private func expanded(_ request: SearchRequest) throws(Failure) -> [TermWeights] {
    let queries = try parts[0].counts(request.queries)
    var first = request
    first.k = feedback.depth
    first.floor = -.infinity
    // Which documents are in is the reference's choice, whatever order is asked for in the end.
    first.ties = .anserini
    let found = try whole.search(first) { part, request throws(Failure) in
      try parts[part].search(request, queries)
    }
    let results = Results<TermWeights>(queries.count)
    try pool.forEach(queries.count) { [self] query, _ throws(Failure) in
      let (top, bottom) = feedback.places(found[query].count)
      var (near, far): ([Feedback.Document], [Feedback.Document]) = ([], [])
      for place in top { near.append(try document(found[query][place])) }
      for place in bottom.reversed() { far.append(try document(found[query][place])) }
      results.set(query, feedback.expanded(queries[query], top: near, bottom: far))
    }
    return queries.indices.map { results.take($0) }
  }

  private func document(_ entry: TopDocuments.Entry) throws(Failure) -> Feedback.Document {
    let (part, ordinal) = documents.place(of: Int(entry.ordinal))
    let weights = try parts[part].vector(of: ordinal) { term throws(Failure) in
      let share = Float(try statistics.documents(with: term)) / Float(statistics.numbers.texts)
      return feedback.takes(term, share: share)
    }
    return Feedback.Document(score: entry.score, weights: weights)
  }
}
