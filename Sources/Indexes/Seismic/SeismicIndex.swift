import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors
import Workers

/// Approximate search of learned sparse vectors by lists of clusters.
///
/// Lists lead to documents, whose codes give a range for the score of each. Those that k others
/// certainly surpass are out; the rest, some dozens, are scored by their vectors, so that the scores
/// are those of exact search, and the k best of all documents that were looked at are found.
final class SeismicIndex: StoredVectorIndex {
  let documents: DocumentTable
  let stored: StoredVectors
  private let lists: ListSearch
  /// Nil where there are none.
  private let neighbours: NeighbourLists?
  private let settings: ListSettings
  private let isExact: Bool
  private let kernels: Kernels
  private let pool: WorkerPool
  private let survivors = SurvivorCounts()
  private let scratch: WorkerLocal<Scratch>

  /// Where at most so many documents may be found, all of them are scored: that takes no longer.
  static let few = 2048

  /// What a worker searches with.
  private struct Scratch {
    let lists: ListScratch
    let terms: QueryTerms
  }

  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not searched
  ///   by.
  init(
    _ segment: IndexSegment, _ settings: ListSettings, isExact: Bool, _ work: IndexWork
  ) throws(Failure) {
    self.settings = settings
    self.isExact = isExact
    kernels = work.kernels
    pool = work.pool
    documents = try DocumentTable(segment)
    stored = try StoredVectors(segment, Seismic.vectors)
    lists = try ListSearch(
      ForwardCodes(segment, stored.vectors), SeismicLists(segment),
      numbers: segment.column(Seismic.numbers, as: Int32.self))
    neighbours = segment.has(Seismic.neighbours) ? try NeighbourLists(segment) : nil
    let (lists, dimension) = (lists, stored.vectors.dimension)
    scratch = WorkerLocal(work.pool) {
      Scratch(lists: lists.scratch(), terms: QueryTerms(dimension))
    }
  }

  var figures: [(name: String, value: String)] { survivors.figures }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let queries = try stored.queries(request)
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      var candidates = Candidates(request.ids[index], request, documents)
      try scratch.with(worker) { scratch throws(Failure) in
        scratch.terms.set(queries[index])
        let query = SparseQuery(queries[index], stored.similarity)
        if isExact || !Self.isCovered(query) {
          score(0..<documents.count, query, scratch, &candidates)
        } else if let few = Admission(request.ids[index], request, documents)
          .documents(atMost: Self.few)
        {
          score(few, query, scratch, &candidates)
        } else {
          try search(query, request, index, scratch, &candidates)
        }
      }
      results.set(index, try candidates.finish(request.ids[index], stored.place))
    }
    return queries.indices.map { results.take($0) }
  }

  /// Whether products by codes tell of scores.
  private static func isCovered(_ query: SparseQuery) -> Bool {
    query.isCovered && query.vector.indices.count < 1 << 20
  }

  private func search(
    _ query: SparseQuery, _ request: SearchRequest, _ index: Int, _ scratch: Scratch,
    _ candidates: inout Candidates
  ) throws(Failure) {
    var found = ContendingDocuments(
      Contenders(request.ids[index], request, documents), norm: query.norm)
    var settings = settings
    // Where only good documents are wanted, there may be few.
    settings.fillsUp = request.floor == -.infinity
    let isAll = try lists.search(
      query.vector, norm: query.norm, settings, kernels, scratch.lists, &found)
    if let neighbours {
      let best = found.contenders.survivors.sorted { a, b in
        a.most != b.most ? a.most > b.most : a.ordinal < b.ordinal
      }
      for document in best.prefix(request.k) {
        lists.look(
          at: neighbours.neighbours(document.ordinal), kernels, scratch.lists, &found)
      }
    }
    let left = found.contenders.survivors
    survivors.add(left.count, of: index, request)
    score(left.lazy.map(\.ordinal), query, scratch, &candidates)
    if settings.fillsUp, !found.isFull, !isAll {
      score(
        (0..<documents.count).lazy.filter { !scratch.lists.wasVisited($0) }, query, scratch,
        &candidates)
    }
  }

  /// Offers the scores of documents that have a term of the query.
  private func score(
    _ ordinals: some Sequence<Int>, _ query: SparseQuery, _ scratch: Scratch,
    _ candidates: inout Candidates
  ) {
    for ordinal in ordinals {
      if let score = stored.score(ordinal, query, scratch.terms) {
        candidates.offer(ordinal, score)
      }
    }
  }
}

/// Documents that may be among the k best of a query.
private struct ContendingDocuments: ListCollector {
  private(set) var contenders: Contenders
  private let norm: Double

  init(_ contenders: Contenders, norm: Float) {
    self.contenders = contenders
    self.norm = Double(norm)
  }

  var threshold: Float { contenders.threshold }
  var isFull: Bool { contenders.isFull }
  func admits(_ document: Int) -> Bool { contenders.admits(document) }

  mutating func offer(_ document: Int, product: Double, error: Double) {
    let (least, most) = ((product - error) / norm, (product + error) / norm)
    guard least.magnitude < 0x1p126, most.magnitude < 0x1p126 else {
      // Nothing is known, or the score may overflow.
      return contenders.offer(document, least: -.infinity, most: .infinity)
    }
    let limit = Float(most).nextUp
    if limit < contenders.threshold { return }
    // A product of nothing may be that of a document without a term of the query.
    contenders.offer(
      document, least: product == 0 ? -.infinity : Float(least).nextDown, most: limit)
  }
}
