import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors
import Workers

/// Exact search of learned sparse vectors.
///
/// A window of documents at a time, the coded postings of the query's terms are added up in integers,
/// which gives each document a range for its score (`ImpactPlan`). Documents that k others certainly
/// surpass are out; the rest, some dozens, are scored by their vectors: a sum over the query's terms
/// in ascending order, one fused multiply-add each, so the same bits as if all were. Documents without
/// a term of the query are not found.
///
/// Source: the windows are those of SINDI (arXiv 2509.08395).
final class SparseIndex: StoredVectorIndex {
  /// How documents are found.
  enum Way: Equatable {
    case certified, exact, approximate
    /// By the terms of a query that weigh most, of so many documents for each that is asked for.
    case pruned(cut: Int, oversample: Double)
  }

  let documents: DocumentTable
  let heedsReached = true
  let stored: StoredVectors
  private let postings: ImpactPostings
  private let order: DocumentOrder
  /// Nil where windows are looked at in their order.
  private let bounds: WindowBounds?
  private let way: Way
  private let kernels: Kernels
  private let pool: WorkerPool
  private let survivors = SurvivorCounts()
  private let scratch: WorkerLocal<Scratch>

  /// What a worker searches with.
  private struct Scratch {
    let sums = ImpactSums()
    let terms: QueryTerms
    var plan = ImpactPlan()
  }

  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not searched
  ///   by.
  init(
    _ segment: IndexSegment, _ way: Way, usesBounds: Bool?, _ work: IndexWork
  ) throws(Failure) {
    self.way = way
    kernels = work.kernels
    pool = work.pool
    documents = try DocumentTable(segment)
    stored = try StoredVectors(segment, Sparse.vectors)
    postings = try ImpactPostings(segment, window: ImpactWindow.size(segment))
    order = try DocumentOrder(segment)
    let isBounded = usesBounds ?? (postings.window <= ImpactWindow.bounded)
    bounds = isBounded ? try WindowBounds(segment, windows: postings.windows) : nil
    let dimension = stored.vectors.dimension
    scratch = WorkerLocal(work.pool) { Scratch(terms: QueryTerms(dimension)) }
  }

  var figures: [(name: String, value: String)] { survivors.figures }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let queries = try stored.queries(request)
    // Workers that would have no query of their own help with those of others.
    if queries.count < pool.threads, postings.windows > 1 {
      return try queries.indices.map { index throws(Failure) in
        try answer(queries[index], index, request, .all)
      }
    }
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      results.set(index, try answer(queries[index], index, request, .one(worker)))
    }
    return queries.indices.map { results.take($0) }
  }

  /// Who searches for a query.
  private enum Workers {
    case one(Int)
    /// All of them, each some windows.
    case all
  }

  private func answer(
    _ vector: SparseVector, _ index: Int, _ request: SearchRequest, _ workers: Workers
  ) throws(Failure) -> [TopDocuments.Entry] {
    let id = request.ids[index]
    let query = SparseQuery(vector, stored.similarity)
    if case .pruned(let cut, let oversample) = way, let part = query.pruned(to: cut) {
      // What is a part of a score tells nothing of the least that is wanted.
      var wider = request
      wider.k = Int(min(0x1p31, (Double(request.k) * oversample).rounded(.up)))
      wider.floor = -.infinity
      let found = try search(
        part, scoring: vector,
        Found(
          candidates: Candidates(query: index, request, documents),
          contenders: Contenders(id, wider, documents)), workers)
      if found.contenders.isFull {
        note(found, index, request)
        return try found.candidates.finish(id, stored.place)
      }
    }
    let found = try search(
      query, scoring: vector,
      Found(
        candidates: Candidates(query: index, request, documents),
        contenders: Contenders(query: index, request, documents)), workers)
    note(found, index, request)
    return try found.candidates.finish(id, stored.place)
  }

  private func note(_ found: Found, _ query: Int, _ request: SearchRequest) {
    if let count = found.survivors { survivors.add(count, of: query, request) }
  }

  /// What is found for a query.
  private struct Found {
    var candidates: Candidates
    var contenders: Contenders
    /// Documents whose vectors were looked at; nil where nothing excluded others.
    var survivors: Int?
  }

  /// Searches all windows.
  ///
  /// - Parameters:
  ///   - query: What documents are found by.
  ///   - vector: What they are scored by.
  ///   - empty: What is found before anything is.
  ///   - workers: Who searches.
  /// - Returns: What was found: the same whoever searches.
  /// - Throws: 65 for damaged postings.
  private func search(
    _ query: SparseQuery, scoring vector: SparseVector, _ empty: Found, _ workers: Workers
  ) throws(Failure) -> Found {
    switch workers {
    case .one(let worker):
      var found = empty
      try scratch.with(worker) { scratch throws(Failure) in
        scratch.terms.set(vector)
        for (window, most) in windows(query, scratch) where most >= limit(found) {
          try search(window, query, &scratch, &found)
        }
        finish(query, scratch, &found)
      }
      return found
    case .all:
      let windows = scratch.with(0) { scratch in self.windows(query, scratch) }
      let shared = SharedThreshold()
      let parts = Results<Found>(pool.threads)
      try pool.forEach(pool.threads) { [self] part, worker throws(Failure) in
        var found = empty
        try scratch.with(worker) { scratch throws(Failure) in
          scratch.terms.set(vector)
          for place in stride(from: part, to: windows.count, by: pool.threads) {
            // What others found excludes documents here, too.
            found.contenders.raise(to: shared.value)
            guard windows[place].most >= limit(found) else { continue }
            try search(windows[place].window, query, &scratch, &found)
            shared.raise(to: found.contenders.threshold)
          }
        }
        parts.set(part, found)
      }
      var found = empty
      for part in 0..<pool.threads {
        let other = parts.take(part)
        found.candidates.merge(other.candidates)
        found.contenders.merge(other.contenders)
      }
      scratch.with(0) { scratch in
        scratch.terms.set(vector)
        finish(query, scratch, &found)
      }
      return found
    }
  }

  /// The windows in the order in which they are searched, and a score that no document there is above.
  private func windows(
    _ query: SparseQuery, _ scratch: Scratch
  ) -> [(window: Int, most: Float)] {
    guard way != .exact, query.isCovered,
      let bounds = bounds?.bounds(query.vector, kernels, scratch.sums)
    else { return (0..<postings.windows).map { ($0, .infinity) } }
    return bounds.map { ($0.window, query.most(of: $0.most)) }
  }

  /// Scores what is left.
  private func finish(_ query: SparseQuery, _ scratch: Scratch, _ found: inout Found) {
    if way == .exact { return }
    let left = found.contenders.survivors
    if way != .approximate { found.survivors = left.count }
    for (ordinal, _) in left { rescore(ordinal, query, scratch.terms, &found.candidates) }
  }

  /// Searches a window: by its postings, or all documents where they say nothing.
  private func search(
    _ window: Int, _ query: SparseQuery, _ scratch: inout Scratch, _ found: inout Found
  ) throws(Failure) {
    if way != .exact, query.isCovered, try scratch.plan.make(query.vector, window, postings) {
      return scan(window, query, scratch, &found)
    }
    for position in postings.documents(window) {
      rescore(order[position], query, scratch.terms, &found.candidates)
    }
  }

  /// Offers a document's score, if it has a term of the query.
  private func rescore(
    _ document: Int, _ query: SparseQuery, _ terms: QueryTerms, _ candidates: inout Candidates
  ) {
    if let score = stored.score(document, query, terms) { candidates.offer(document, score) }
  }

  // MARK: The scan

  /// Adds up a window's postings and takes note of the documents that may matter.
  private func scan(
    _ window: Int, _ query: SparseQuery, _ scratch: Scratch, _ found: inout Found
  ) {
    let (plan, sums) = (scratch.plan, scratch.sums)
    if plan.runs.isEmpty { return }
    let range = ScoreRange(plan, query.norm, isCosine: query.isCosine)
    if range.most(of: plan.most) < limit(found) { return }
    for (run, scale) in zip(plan.runs, plan.scales) {
      if run.places.isEmpty {
        kernels.add(codes: run.codes, scale, to: sums)
      } else {
        kernels.add(codes: run.codes, at: run.places, scale, to: sums)
      }
    }
    let documents = postings.documents(window)
    var start = 0
    // Few at first: until k are found, all are.
    var step = 64
    while start < documents.count {
      let end = min(start + step, documents.count)
      // Sums must be set to zero in any case.
      let threshold = plan.threshold(range.product(limit(found)))
      kernels.take(
        start..<end, from: threshold ?? (plan.isSigned ? .max : -1), unsigned: !plan.isSigned, sums)
      if threshold != nil {
        for index in 0..<sums.count {
          let (place, sum) = sums[index]
          note(order[documents.lowerBound + place], sum, plan, range, query, scratch.terms, &found)
        }
      }
      start = end
      step = min(2 * step, 1 << 13)
    }
  }

  /// The score below which nothing matters.
  private func limit(_ found: Found) -> Float {
    way == .approximate ? found.candidates.threshold : found.contenders.threshold
  }

  private func note(
    _ ordinal: Int, _ sum: Int16, _ plan: ImpactPlan, _ range: ScoreRange, _ query: SparseQuery,
    _ terms: QueryTerms, _ found: inout Found
  ) {
    let product = plan.product(sum)
    // A sum of zero may be that of a document without a term.
    let isUncertain = plan.isSigned && sum == 0
    if way == .approximate {
      if isUncertain, stored.score(ordinal, query, terms) == nil { return }
      found.candidates.offer(ordinal, Float(product / Double(query.norm)))
    } else {
      found.contenders.offer(
        ordinal, least: isUncertain ? -.infinity : range.least(of: product - plan.error),
        most: range.most(of: product + plan.error))
    }
  }
}

/// Scores by products of a query with documents, which for cosines have length 1.
private struct ScoreRange {
  private let norm: Double
  /// How far a score may be from the quotient.
  private let error: Double

  init(_ plan: ImpactPlan, _ norm: Float, isCosine: Bool) {
    self.norm = Double(norm)
    // A product, a quotient and a length are rounded; and a denormal number was divided by lengths.
    let size = plan.unit * 0x1p16 + plan.error
    let count = Double(plan.runs.count)
    error = isCosine ? (size * 0x1p-22 + count * 0x1p-149 / 1e-8) / self.norm + 0x1p-148 : 0
  }

  /// A score that one of a product is not below.
  func least(of product: Double) -> Float { Float(product / norm - error).nextDown }

  /// A score that one of a product is not above.
  func most(of product: Double) -> Float { Float(product / norm + error).nextUp }

  /// A product below which no score reaches one.
  func product(_ score: Float) -> Double {
    let product = (Double(score) - error) * norm
    return product - product.magnitude * 0x1p-50
  }
}
