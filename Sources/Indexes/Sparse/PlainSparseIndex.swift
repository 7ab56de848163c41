import Failures
import IndexFormat
import JSON
import Retrieval
import Vectors
import Workers

/// Exact search over postings in the plain layout: every posting of every query term.
///
/// Documents are scored a window at a time, so that the memory for scores does not grow with the
/// collection. A score is a sum over the query's terms in ascending order, one fused multiply-add
/// each; so it is the same bits for any number of threads. Documents without a term of the query are
/// not found.
final class PlainSparseIndex: RescoringIndex, ExplainingIndex {
  let documents: DocumentTable
  let heedsReached = true
  private let place: String
  private let postings: PlainPostings
  private let pool: WorkerPool
  /// Scores of one window, for each worker.
  private let scratch: WorkerLocal<Scores>

  /// Documents whose scores exist at a time: they stay in the second-level cache.
  private static let window = 1 << 16

  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not the dot
  ///   product.
  init(_ segment: IndexSegment, _ work: IndexWork) throws(Failure) {
    if let similarity = segment.manifest.source.description.similarity, similarity != "dot" {
      throw .config(
        segment.folder, "a sparse index searches by dot product, its similarity is \(similarity)")
    }
    place = segment.folder
    pool = work.pool
    documents = try DocumentTable(segment)
    postings = try PlainPostings(segment)
    let size = min(Self.window, segment.documents)
    scratch = WorkerLocal(work.pool) { Scores(size) }
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    guard case .sparse(let queries) = request.queries else {
      throw .config(place, "expected sparse queries, found \(request.queries.form)")
    }
    for (query, id) in zip(queries, request.ids) {
      try query.check(
        below: postings.terms, "query \(String(decoding: id, as: UTF8.self))", index: place)
    }
    let results = Results<[TopDocuments.Entry]>(queries.count)
    try pool.forEach(queries.count) { [self] index, worker throws(Failure) in
      var candidates = Candidates(query: index, request, documents)
      try scratch.with(worker) { scores throws(Failure) in
        try scan(queries[index], &scores, &candidates)
      }
      results.set(index, try candidates.finish(request.ids[index], place))
    }
    return (0..<queries.count).map { results.take($0) }
  }

  /// Scores of a window's documents, and which of them have one.
  private struct Scores {
    var values: [Float]
    var isTouched: [Bool]
    var touched: [Int32] = []

    init(_ documents: Int) {
      values = Array(repeating: 0, count: documents)
      isTouched = Array(repeating: false, count: documents)
    }

    mutating func add(_ weight: Float, _ value: Float, to document: Int) {
      if !isTouched[document] {
        isTouched[document] = true
        touched.append(Int32(document))
      }
      values[document].addProduct(weight, value)
    }

    /// Offers all scores, and forgets them.
    mutating func drain(from start: Int, _ candidates: inout Candidates) {
      for document in touched {
        let place = Int(document)
        candidates.offer(start + place, values[place])
        values[place] = 0
        isTouched[place] = false
      }
      touched.removeAll(keepingCapacity: true)
    }
  }

  /// Scores all documents of a query.
  private func scan(
    _ query: SparseVector, _ scores: inout Scores, _ candidates: inout Candidates
  ) throws(Failure) {
    var ranges = query.indices.map { postings.range(Int($0)) }
    for start in stride(from: 0, to: documents.count, by: Self.window) {
      let end = min(start + Self.window, documents.count)
      for (i, weight) in query.values.enumerated() {
        let next = try add(weight, ranges[i], from: start, to: end, &scores)
        ranges[i] = next..<ranges[i].upperBound
      }
      scores.drain(from: start, &candidates)
    }
    // What is left is of no document.
    for range in ranges where !range.isEmpty {
      throw postings.damaged("a posting of document \(postings.documents[range.lowerBound])")
    }
  }

  /// Adds a term's postings of a window, from the first of `range` on.
  ///
  /// - Returns: The first posting behind the window.
  private func add(
    _ weight: Float, _ range: Range<Int>, from start: Int, to end: Int, _ scores: inout Scores
  ) throws(Failure) -> Int {
    for posting in range {
      let document = Int(postings.documents[posting])
      if document >= end { return posting }
      guard document >= start else {
        throw postings.damaged("a posting of document \(document)")
      }
      scores.add(weight, postings.weights[posting], to: document - start)
    }
    return range.upperBound
  }

  /// Scores of some documents: 0 for one without a term of the query.
  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    guard case .sparse(let vectors) = queries else {
      throw .config(place, "expected sparse queries, found \(queries.form)")
    }
    try vectors[query].check(below: postings.terms, "query", index: place)
    return ordinals.map { ordinal in
      var score: Float = 0
      for (term, weight) in zip(vectors[query].indices, vectors[query].values) {
        if let posting = find(Int32(ordinal), in: postings.range(Int(term))) {
          score.addProduct(weight, postings.weights[posting])
        }
      }
      return score
    }
  }

  /// The terms that query and document share, with both weights and what they add.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    guard case .sparse(let vectors) = queries else {
      throw .config(place, "expected sparse queries, found \(queries.form)")
    }
    return ordinals.map { ordinal in
      vectors[query].explanation(naming: name) { term in
        find(Int32(ordinal), in: postings.range(Int(term))).map { postings.weights[$0] }
      }
    }
  }

  /// The posting of a document among those of a term, which ascend.
  private func find(_ document: Int32, in range: Range<Int>) -> Int? {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if postings.documents[middle] < document { low = middle + 1 } else { high = middle }
    }
    return low < range.upperBound && postings.documents[low] == document ? low : nil
  }
}
