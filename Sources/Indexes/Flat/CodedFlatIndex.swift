import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Vectors
import Workers

/// Search by codes of a byte a number, with the result of comparing the vectors themselves.
///
/// A scan of the codes gives each document a range for its score (`ByteQueries`). Documents that k
/// others certainly surpass are out; the rest, some dozens, are compared as `FlatIndex` does. So the
/// scores and their order are its own, at a quarter of the bytes read.
final class CodedFlatIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  private let codes: FlatCodes
  private let reference: FlatIndex
  private let isApproximate: Bool
  private let kernels: Kernels
  private let pool: WorkerPool
  private let survivors = SurvivorCounts()

  /// Documents that are scanned at a time: their codes stay in the second-level cache.
  private static let chunk = 512
  /// Queries that are compared at a time.
  private static let queryBlock = 256

  /// - Parameters:
  ///   - segment: With codes.
  ///   - reference: What compares the vectors that the codes stand for.
  ///   - isApproximate: Whether products of codes are scores.
  ///   - work: What searches.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, reference: FlatIndex, _ isApproximate: Bool, _ work: IndexWork
  ) throws(Failure) {
    codes = try FlatCodes(segment)
    self.reference = reference
    self.isApproximate = isApproximate
    documents = reference.documents
    kernels = work.kernels
    pool = work.pool
  }

  var figures: [(name: String, value: String)] { survivors.figures }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    try reference.scores(queries, query, of: ordinals)
  }

  var similarity: Similarity { reference.similarity }

  func vectors(of ordinals: [Int]) -> Embeddings { reference.vectors(of: ordinals) }

  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    try reference.explanations(queries, query, of: ordinals, naming: name)
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let values = try reference.checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    var results: [[TopDocuments.Entry]] = []
    let dimension = reference.dimension
    for start in stride(from: 0, to: request.ids.count, by: Self.queryBlock) {
      let range = start..<min(start + Self.queryBlock, request.ids.count)
      var block = Array(values[range.lowerBound * dimension..<range.upperBound * dimension])
      let asked = block
      if reference.similarity == .cosine {
        DenseComparison.bringToUnitLength(&block, dimension: dimension, kernels)
      }
      let queries = ByteQueries(block, count: range.count, reference.similarity, kernels)
      var part = request
      part.ids = Array(request.ids[range])
      part.queries = .dense(asked, dimension: dimension)
      if !queries.covers(documentsUpTo: codes.longest) {
        results += try reference.search(part)
      } else if isApproximate {
        results += try approximate(queries, part)
      } else {
        results += try certified(queries, asked, part)
      }
    }
    return results
  }

  // MARK: With the proof

  private func certified(
    _ queries: ByteQueries, _ values: [Float], _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let similarity = reference.similarity
    let found = scan(
      queries, queries.bounds, request.ids.map { Contenders($0, request, documents) }
    ) { contenders, query, ordinal, product in
      let (error, norm) = (codes.error(ordinal), codes.norm(ordinal))
      contenders.offer(
        ordinal,
        least: queries.least(query, similarity, product: product, error: error, norm: norm),
        most: queries.most(query, similarity, product: product, error: error, norm: norm))
      return contenders.threshold
    }
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    let dimension = reference.dimension
    try pool.forEach(request.ids.count) { [self] query, _ throws(Failure) in
      let ordinals = found[query].survivors
      survivors.add(ordinals.count)
      var candidates = Candidates(request.ids[query], request, documents)
      let scores = reference.scores(
        Array(values[query * dimension..<(query + 1) * dimension]), of: ordinals)
      for (ordinal, score) in zip(ordinals, scores) { candidates.offer(ordinal, score) }
      results.set(query, try candidates.finish(request.ids[query], reference.place))
    }
    return request.ids.indices.map { results.take($0) }
  }

  // MARK: Without it

  private func approximate(
    _ queries: ByteQueries, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let nothing = [Float](repeating: 0, count: request.ids.count)
    let similarity = reference.similarity
    var limits = request
    // What is scanned by is not yet a distance.
    if similarity == .l2 { limits.floor = -.infinity }
    let found = scan(
      queries, ScoreBounds(byError: nothing, byNorm: nothing, byNone: nothing),
      request.ids.map { Candidates($0, limits, documents) }
    ) { candidates, query, ordinal, product in
      candidates.offer(
        ordinal, product + ByteQueries.offset(similarity, norm: codes.norm(ordinal)))
      return candidates.threshold
    }
    return try found.enumerated().map { query, candidates throws(Failure) in
      try candidates.finish(request.ids[query], reference.place).map { entry in
        var entry = entry
        if similarity == .l2 {
          let length = queries.norms[query]
          entry.score = -max(0, length * length - 2 * entry.score).squareRoot()
        }
        return entry
      }.filter { $0.score >= request.floor }
    }
  }

  // MARK: The scan

  /// Scans all documents for a block of queries; every worker keeps what it finds, and all of it is
  /// joined.
  ///
  /// - Parameters:
  ///   - queries: The block.
  ///   - bounds: What a score may be above a product.
  ///   - empty: What collects the documents of each query.
  ///   - take: Takes note of a document's product; returns the score below which none is of use.
  /// - Returns: What was collected for each query.
  private func scan<Collector: MergeableCollector>(
    _ queries: ByteQueries, _ bounds: ScoreBounds, _ empty: [Collector],
    _ take: (inout Collector, _ query: Int, _ ordinal: Int, _ product: Float) -> Float
  ) -> [Collector] {
    let states = WorkerLocal(pool) { WorkerState(empty, chunk: Self.chunk) }
    let chunks = (documents.count + Self.chunk - 1) / Self.chunk
    pool.forEachUnchecked(chunks) { chunk, worker in
      let range = chunk * Self.chunk..<min((chunk + 1) * Self.chunk, documents.count)
      states.with(worker) { state in
        kernels.scan(
          codes.rows(range, reference.similarity, offsets: state.offsets), queries.matrix, bounds,
          thresholds: state.thresholds, into: state.results)
        for place in 0..<state.results.count {
          let (row, query, product) = state.results[place]
          state.thresholds[query] = take(
            &state.collectors[query], query, range.lowerBound + row, product)
        }
      }
    }
    var merged = empty
    for worker in 0..<pool.threads {
      states.with(worker) { state in
        for query in merged.indices { merged[query].merge(state.collectors[query]) }
      }
    }
    return merged
  }

  /// Scratch memory and results of a worker.
  private struct WorkerState<Collector> {
    var collectors: [Collector]
    var thresholds: [Float]
    let results: ScanResults
    let offsets: AlignedBuffer

    init(_ empty: [Collector], chunk: Int) {
      collectors = empty
      thresholds = Array(repeating: -.infinity, count: empty.count)
      results = ScanResults(capacity: chunk * empty.count)
      offsets = AlignedBuffer(count: chunk)
    }
  }
}
