import Analysis
import Failures
import Glibc
import IndexFormat
import Retrieval
import Vectors
import Workers

/// Exact search by BM25.
///
/// The weight of a term is its count in the query times ln(1 + (N - n + 0.5) / (n + 0.5)), with N
/// documents that have any term, n of them this one. What a document gets for it is said by
/// `ScoreModel`; the sum over the terms is in double precision, as in Lucene 9.5.
///
/// Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009);
/// BM25Similarity of Lucene 9.5.
final class BM25Index: RescoringIndex {
  let documents: DocumentTable
  let heedsReached = true
  private let place: String
  private let analyzer: Analyzer
  private let postings: TermPostings
  private let statistics: CollectionStatistics
  /// Nil where they are not stored.
  private let vectors: TermVectors?
  private let pool: WorkerPool
  private let prunes: Bool
  private let workers: WorkerLocal<Worker>

  /// What a worker works with.
  private struct Worker {
    var scan: WindowScan
    var analysis = Analyzer.Scratch()
  }

  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, _ postings: TermPostings, _ statistics: CollectionStatistics,
    _ analyzer: Analyzer, _ model: ScoreModel, prunes: Bool, _ work: IndexWork
  ) throws(Failure) {
    place = segment.folder
    self.analyzer = analyzer
    documents = try DocumentTable(segment)
    self.postings = postings
    self.prunes = prunes
    vectors = segment.has(BM25.vectors) ? try TermVectors(segment) : nil
    self.statistics = statistics
    pool = work.pool
    workers = WorkerLocal(work.pool) {
      Worker(
        scan: WindowScan(documents: segment.documents) { TermCursor(model, postings.lengthBytes) })
    }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    try search(request, counts(request.queries))
  }

  /// The best documents for the terms of each query, whose weights may be other ones than its text has.
  func search(
    _ request: SearchRequest, _ queries: [TermWeights]
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, number throws(Failure) in
      let entries = try workers.with(number) { worker throws(Failure) in
        var candidates = Candidates(query: index, request, documents)
        let admission = Admission(request.ids[index], request, documents)
        let terms = try terms(of: queries[index])
        let prunes = prunes && ScoreModel.sumsAreExact(terms.map(\.weight))
        guard worker.scan.run(terms, k: request.k, prunes: prunes, admission, &candidates) else {
          throw postings.damaged("postings that no index has")
        }
        return try candidates.finish(request.ids[index], place)
      }
      results.set(index, entries)
    }
    return queries.indices.map { results.take($0) }
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try scores(counts(queries[query..<query + 1])[0], of: ordinals)
  }

  /// Scores of some documents for the terms of a query.
  func scores(_ query: TermWeights, of ordinals: [Int]) throws(Failure) -> [Float] {
    let terms = try terms(of: query)
    // No loop of the pool is under way where documents are given.
    let sums = workers.with(0) { $0.scan.sums(terms, of: ordinals) }
    guard let sums else { throw postings.damaged("postings that no index has") }
    return sums.map { Float($0) }
  }

  /// How often a document has each term that counts.
  ///
  /// - Parameters:
  ///   - document: Its ordinal.
  ///   - takes: Whether a term counts.
  /// - Returns: The terms.
  /// - Throws: 65 where the vector is damaged.
  func vector(
    of document: Int, _ takes: ([UInt8]) throws(Failure) -> Bool
  ) throws(Failure) -> TermWeights {
    var weights = TermWeights()
    guard let vectors else { return weights }
    for (term, frequency) in try vectors.terms(of: document) {
      guard term < postings.count else { throw vectors.damaged(document) }
      let bytes = try postings.withTerm(term) { Array($0) }
      if try takes(bytes) { weights.add(Float(frequency), to: bytes) }
    }
    return weights
  }

  // MARK: The query

  /// How often texts have each term.
  ///
  /// - Throws: 78 for queries that are no texts.
  func counts(_ queries: Embeddings) throws(Failure) -> [TermWeights] {
    guard case .texts(let texts) = queries else {
      throw .config(place, "expected queries that are text, found \(queries.form)")
    }
    return statistics.counts(of: texts) {
      let results = Results<TermWeights>(texts.count)
      pool.forEachUnchecked(texts.count) { index, worker in
        workers.with(worker) { worker in
          var counts = TermWeights()
          analyzer.forEachTerm(of: texts[index], scratch: &worker.analysis) {
            counts.add(1, to: Array($0))
          }
          results.set(index, counts)
        }
      }
      return texts.indices.map { results.take($0) }
    }
  }

  /// The terms of a query that some document has, in bytewise order.
  private func terms(
    of query: TermWeights
  ) throws(Failure) -> [(list: PostingList, weight: Float)] {
    var terms: [(list: PostingList, weight: Float)] = []
    for (bytes, weight) in query.sorted {
      guard let term = try postings.find(bytes) else { continue }
      let (all, own) = try (
        Double(statistics.numbers.filled), Double(statistics.documents(with: bytes))
      )
      let idf = Float(log(1 + (all - own + 0.5) / (own + 0.5)))
      terms.append((try postings.list(term), weight * idf))
    }
    return terms
  }
}
