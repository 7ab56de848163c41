import Failures
import IndexFormat
import JSON
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
final class SparseIndex: RescoringIndex, ExplainingIndex, VectorIndex {
  /// How documents are found.
  enum Way { case certified, exact, approximate }

  let documents: DocumentTable
  private let place: String
  private let stored: DocumentVectors
  private let postings: ImpactPostings
  private let order: DocumentOrder
  /// Nil where windows are looked at in their order.
  private let bounds: WindowBounds?
  let similarity: Similarity
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
    place = segment.folder
    self.way = way
    kernels = work.kernels
    pool = work.pool
    similarity = try Sparse.similarity(segment.manifest.source, segment.folder)
    documents = try DocumentTable(segment)
    stored = try DocumentVectors(segment)
    postings = try ImpactPostings(segment, window: ImpactWindow.size(segment))
    order = try DocumentOrder(segment)
    let isBounded = usesBounds ?? (postings.window <= ImpactWindow.bounded)
    bounds = isBounded ? try WindowBounds(segment, windows: postings.windows) : nil
    let dimension = stored.dimension
    scratch = WorkerLocal(work.pool) { Scratch(terms: QueryTerms(dimension)) }
  }

  var figures: [(name: String, value: String)] { survivors.figures }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let queries = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      var found = Found(
        candidates: Candidates(request.ids[index], request, documents),
        contenders: Contenders(request.ids[index], request, documents))
      try scratch.with(worker) { scratch throws(Failure) in
        scratch.terms.set(queries[index])
        try search(Query(queries[index], similarity), &scratch, &found)
      }
      results.set(index, try found.candidates.finish(request.ids[index], place))
    }
    return queries.indices.map { results.take($0) }
  }

  /// A query and its length.
  private struct Query {
    let vector: SparseVector
    /// What products are divided by, besides the documents' lengths; 1 for dot products.
    let norm: Float
    let isCosine: Bool

    init(_ vector: SparseVector, _ similarity: Similarity) {
      self.vector = vector
      isCosine = similarity == .cosine
      norm = isCosine ? max(SparseComparison.norm(vector), SparseComparison.epsilon) : 1
    }

    /// Whether products tell of scores.
    var isCovered: Bool { norm <= WindowTurn.longest }

    /// A score that one of a product is not above.
    func most(of product: Double) -> Float {
      Float(product / Double(norm) * (1 + 0x1p-20)).nextUp
    }
  }

  /// What is found for a query.
  private struct Found {
    var candidates: Candidates
    var contenders: Contenders
  }

  private func search(
    _ query: Query, _ scratch: inout Scratch, _ found: inout Found
  ) throws(Failure) {
    if way != .exact, query.isCovered,
      let bounds = bounds?.bounds(query.vector, kernels, scratch.sums)
    {
      for bound in bounds where query.most(of: bound.most) >= limit(found) {
        try search(bound.window, query, &scratch, &found)
      }
    } else {
      for window in 0..<postings.windows { try search(window, query, &scratch, &found) }
    }
    if way == .exact { return }
    let left = found.contenders.survivors
    if way == .certified { survivors.add(left.count) }
    for (ordinal, _) in left { rescore(ordinal, query, scratch.terms, &found.candidates) }
  }

  /// Searches a window: by its postings, or all documents where they say nothing.
  private func search(
    _ window: Int, _ query: Query, _ scratch: inout Scratch, _ found: inout Found
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
    _ document: Int, _ query: Query, _ terms: QueryTerms, _ candidates: inout Candidates
  ) {
    if let score = score(document, query, terms) { candidates.offer(document, score) }
  }

  private func score(_ document: Int, _ query: Query, _ terms: QueryTerms) -> Float? {
    guard let product = terms.product(stored, document) else { return nil }
    if !query.isCosine { return product }
    return product / (query.norm * max(stored.norm(document), SparseComparison.epsilon))
  }

  // MARK: The scan

  /// Adds up a window's postings and takes note of the documents that may matter.
  private func scan(
    _ window: Int, _ query: Query, _ scratch: Scratch, _ found: inout Found
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
    _ ordinal: Int, _ sum: Int16, _ plan: ImpactPlan, _ range: ScoreRange, _ query: Query,
    _ terms: QueryTerms, _ found: inout Found
  ) {
    let product = plan.product(sum)
    // A sum of zero may be that of a document without a term.
    let isUncertain = plan.isSigned && sum == 0
    if way == .approximate {
      if isUncertain, score(ordinal, query, terms) == nil { return }
      found.candidates.offer(ordinal, Float(product / Double(query.norm)))
    } else {
      found.contenders.offer(
        ordinal, least: isUncertain ? -.infinity : range.least(of: product - plan.error),
        most: range.most(of: product + plan.error))
    }
  }

  // MARK: Given documents

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let vector = try checked(queries[query..<query + 1]) { _ in "query" }[0]
    let terms = QueryTerms(stored.dimension)
    terms.set(vector)
    let query = Query(vector, similarity)
    return ordinals.map { score($0, query, terms) ?? 0 }
  }

  /// The terms that query and document share, with both weights and what they add.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let vector = try checked(queries[query..<query + 1]) { _ in "query" }[0]
    let norm = Query(vector, similarity).norm
    return ordinals.map { ordinal in
      let own = stored.vector(ordinal)
      let weights = Dictionary(zip(own.indices, own.values)) { first, _ in first }
      var members = vector.explanation(naming: name) { weights[$0] }
      if similarity == .cosine {
        members += [
          JSON.Member("query_length", .number(norm)),
          JSON.Member(
            "document_length", .number(max(stored.norm(ordinal), SparseComparison.epsilon))),
        ]
      }
      return members
    }
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    .sparse(ordinals.map(stored.vector))
  }

  /// The vectors of queries whose terms ascend within the index's and whose weights are finite;
  /// `name` is what a query is called in messages.
  private func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [SparseVector] {
    guard case .sparse(let vectors) = queries else {
      throw .config(place, "expected sparse queries, found \(queries.form)")
    }
    for (index, query) in vectors.enumerated() {
      try query.check(below: postings.terms, name(index), index: place)
    }
    return vectors
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
