import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Vectors
import Workers

/// Search by codes of one or two bytes a number, with the result of comparing the vectors themselves.
///
/// A scan of the codes gives each document a range for its score (`ScoreProof`). Documents that k
/// others certainly surpass are out; the rest, some dozens, are compared as `FlatIndex` does. So the
/// scores and their order are its own, at a part of the bytes read. Where many of some documents
/// would be left, as before anything is found or of vectors that are nearly equal, these are compared
/// as `FlatIndex` does at once, without codes.
final class CodedFlatIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  let heedsReached = true
  let codes: FlatCodes
  let reference: FlatIndex
  private let isApproximate: Bool
  private let kernels: Kernels
  private let pool: WorkerPool
  let survivors = SurvivorCounts()

  /// Queries from which on a kernel multiplies tiles.
  private static let few = 8

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
    for start in stride(from: 0, to: request.ids.count, by: FlatIndex.queryBlock) {
      let range = start..<min(start + FlatIndex.queryBlock, request.ids.count)
      var block = Array(values[range.lowerBound * dimension..<range.upperBound * dimension])
      let asked = block
      if reference.similarity == .cosine {
        DenseComparison.bringToUnitLength(&block, dimension: dimension, kernels)
      }
      let queries = codes.queries(block, count: range.count, reference.similarity, kernels)
      let part = request.part(range)
      if !queries.proof.covers(documentsUpTo: codes.longest) {
        results += try reference.search(part)
      } else if isApproximate {
        results += try approximate(queries, part)
      } else {
        results += try certified(queries, asked, part)
      }
    }
    return results
  }

  /// Documents of a step: what it finds raises the thresholds of the next one, and rows of bytes stay
  /// in the first-level cache while they are multiplied with many queries.
  private func step(_ queries: Int) -> Int {
    codes.isBytes && queries > Self.few ? FlatIndex.step / 3 : FlatIndex.step
  }

  private func room(_ queries: Int) -> FlatRoom {
    FlatRoom(rows: step(queries), queries: queries, dimension: reference.dimension)
  }

  // MARK: With the proof

  private func certified(
    _ queries: CodedQueries, _ values: [Float], _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let (proof, dimension) = (queries.proof, reference.dimension)
    let comparison = DenseComparison(
      values, count: request.ids.count, reference.similarity, kernels)
    let empty = scan(proof, request)
    let found = pool.scan(documents.count, by: step(request.ids.count), empty) {
      room(request.ids.count)
    } _: { state, range, room in
      look(at: range, queries, comparison, &state, room)
    }
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    try pool.forEach(request.ids.count) { [self] query, _ throws(Failure) in
      var best = found.compared.best[query]
      let own = DenseComparison(
        Array(values[query * dimension..<(query + 1) * dimension]), count: 1,
        reference.similarity, kernels)
      let count = rescore(found.contenders[query].survivors, own, &best) {
        proof.threshold(query, reaching: $0)
      }
      survivors.add(count + found.documents, of: query, request)
      results.set(query, try best.finish(request.ids[query], reference.place))
    }
    return request.ids.indices.map { results.take($0) }
  }

  /// What a scan with the proof begins with.
  func scan(_ proof: ScoreProof, _ request: SearchRequest) -> CertifiedScan {
    // Products have an order of their own, in which the least score has another place.
    var limits = request
    limits.floor = -.infinity
    return CertifiedScan(
      request.ids.enumerated().map { query, id in
        var contenders = Contenders(id, limits, documents)
        contenders.raise(to: proof.threshold(query, reaching: request.least(of: query)))
        return contenders
      }, BlockCandidates(request.ids.indices.map { Candidates(query: $0, request, documents) }))
  }

  /// Looks at the codes of some documents, at most a step, or at the documents themselves where that is
  /// cheaper.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - queries: A block of queries, as codes are compared with them.
  ///   - comparison: The queries themselves.
  ///   - state: Takes note of what is found.
  ///   - room: Scratch memory.
  func look(
    at range: Range<Int>, _ queries: CodedQueries, _ comparison: DenseComparison,
    _ state: inout CertifiedScan, _ room: FlatRoom
  ) {
    let proof = queries.proof
    if state.skipsCodes() {
      reference.compare(range, comparison, &state.compared, room)
      return state.learn(proof, documents: range.count)
    }
    codes.scan(range, queries, proof.bounds, thresholds: state.thresholds, room, kernels)
    guard state.isWorthIt(found: room.results.count, range.count, Self.few) else {
      reference.compare(range, comparison, &state.compared, room)
      return state.learn(proof, documents: range.count)
    }
    for place in 0..<room.results.count {
      let (row, query, product) = room.results[place]
      let ordinal = range.lowerBound + row
      let (error, norm) = (codes.error(ordinal), codes.norm(ordinal))
      let most = proof.most(query, product: product, error: error, norm: norm)
      if most < state.thresholds[query] { continue }
      state.offer(
        query, ordinal, most: most,
        least: proof.least(query, product: product, error: error, norm: norm))
    }
  }

  /// Compares those documents that may still be among the best.
  ///
  /// - Parameters:
  ///   - contenders: Documents, and what their scores are at most.
  ///   - query: The only one.
  ///   - best: What was found before, and then all that was found.
  ///   - bound: The least that a document's score may be at most so that it reaches a score.
  /// - Returns: The number of documents that were compared.
  func rescore(
    _ contenders: [(ordinal: Int, most: Float)], _ query: DenseComparison, _ best: inout Candidates,
    _ bound: (Float) -> Float
  ) -> Int {
    if contenders.isEmpty { return 0 }
    let room = FlatRoom(rows: FlatIndex.gathered, queries: 1, dimension: reference.dimension)
    var (next, compared) = (0, 0)
    while next < contenders.count {
      var ordinals: [Int] = []
      let threshold = bound(best.threshold)
      while next < contenders.count, ordinals.count < FlatIndex.gathered {
        if contenders[next].most >= threshold { ordinals.append(contenders[next].ordinal) }
        next += 1
      }
      for (ordinal, score) in zip(ordinals, reference.scores(query, of: ordinals, room)) {
        best.offer(ordinal, score)
      }
      compared += ordinals.count
    }
    return compared
  }

  // MARK: Without it

  private func approximate(
    _ queries: CodedQueries, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let nothing = [Float](repeating: 0, count: request.ids.count)
    let bounds = ScoreBounds(byError: nothing, byNorm: nothing, byNone: nothing)
    let similarity = reference.similarity
    var limits = request
    // What is scanned by is not yet a distance.
    if similarity == .l2 { limits.floor = -.infinity }
    let empty = BlockCandidates(request.ids.map { Candidates($0, limits, documents) })
    let found = pool.scan(documents.count, by: step(request.ids.count), empty) {
      room(request.ids.count)
    } _: { state, range, room in
      lookApproximately(at: range, queries, bounds, &state, room)
    }
    return try found.best.enumerated().map { query, candidates throws(Failure) in
      try ranked(candidates, queries, query, request)
    }
  }

  /// Takes the products of some documents' codes, at most a step, for scores.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - queries: A block of queries.
  ///   - nothing: Bounds of nothing.
  ///   - best: Takes note of what is found.
  ///   - room: Scratch memory.
  func lookApproximately(
    at range: Range<Int>, _ queries: CodedQueries, _ nothing: ScoreBounds,
    _ best: inout BlockCandidates, _ room: FlatRoom
  ) {
    codes.scan(range, queries, nothing, thresholds: best.thresholds, room, kernels)
    for place in 0..<room.results.count {
      let (row, query, product) = room.results[place]
      let ordinal = range.lowerBound + row
      best.offer(
        query, ordinal,
        product + ScoreProof.offset(reference.similarity, norm: codes.norm(ordinal)))
    }
  }

  /// The documents of one query that products of codes ranked, with scores for these.
  func ranked(
    _ candidates: Candidates, _ queries: CodedQueries, _ query: Int, _ request: SearchRequest
  ) throws(Failure) -> [TopDocuments.Entry] {
    let similarity = reference.similarity
    return try candidates.finish(request.ids[query], reference.place).map { entry in
      var entry = entry
      if similarity == .l2 {
        let length = queries.proof.norms[query]
        entry.score = -max(0, length * length - 2 * entry.score).squareRoot()
      }
      return entry
      // Rounding may make equal scores of different ones.
    }.filter { $0.score >= request.floor }.sorted(by: >)
  }
}
