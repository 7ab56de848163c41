import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Search by codes of one bit a number: an estimate of every score, and the scores themselves of the
/// documents with the largest estimates.
///
/// Without vectors, or where none are wanted, the estimates are the scores.
final class BitFlatIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  private let codes: FlatBits
  private let reference: FlatIndex?
  let similarity: Similarity
  private let isApproximate: Bool
  private let place: String
  /// Documents that are compared themselves for each that is asked for.
  private let oversample: Double
  private let kernels: Kernels
  private let pool: WorkerPool

  /// - Parameters:
  ///   - segment: With bits.
  ///   - reference: What compares the vectors; nil where there are none.
  ///   - isApproximate: Whether estimates are scores, though there are vectors.
  ///   - oversample: Documents that are compared themselves for each that is asked for.
  ///   - work: What searches.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, reference: FlatIndex?, isApproximate: Bool, oversample: Double,
    _ work: IndexWork
  ) throws(Failure) {
    codes = try FlatBits(segment)
    self.reference = reference
    self.isApproximate = isApproximate
    self.oversample = oversample
    documents = try DocumentTable(segment)
    similarity = try Flat.similarity(segment.manifest.source, segment.folder)
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let dimension = codes.dimension
    let values = try FlatIndex.checked(request.queries, dimension, place) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    var results: [[TopDocuments.Entry]] = []
    for start in stride(from: 0, to: request.ids.count, by: FlatIndex.queryBlock) {
      let range = start..<min(start + FlatIndex.queryBlock, request.ids.count)
      let asked = Array(values[range.lowerBound * dimension..<range.upperBound * dimension])
      var part = request
      part.ids = Array(request.ids[range])
      part.queries = .dense(asked, dimension: dimension)
      let queries = codes.queries(asked, count: range.count, similarity, kernels)
      if let reference, !codes.covers(queries) {
        results += try reference.search(part)
      } else if let reference, !isApproximate {
        results += try rescored(queries, part, reference)
      } else {
        results += try estimated(queries, part)
      }
    }
    return results
  }

  /// The documents with the largest estimates, those of each query.
  private func best(
    _ queries: BitQueries, _ request: SearchRequest
  ) -> BlockCandidates {
    let empty = BlockCandidates(request.ids.map { Candidates($0, request, documents) })
    let count = request.ids.count
    return pool.scan(documents.count, by: FlatIndex.step, empty) {
      FlatRoom(rows: FlatIndex.step, queries: count, dimension: 0)
    } _: { state, range, room in
      kernels.scan(
        codes.rows(range), queries.tables, thresholds: state.thresholds, into: room.results)
      for place in 0..<room.results.count {
        let (row, query, score) = room.results[place]
        state.offer(query, range.lowerBound + row, score)
      }
    }
  }

  private func rescored(
    _ queries: BitQueries, _ request: SearchRequest, _ reference: FlatIndex
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    var wide = request
    // An estimate says nothing about a least score.
    wide.floor = -.infinity
    wide.k = Int(min(Double(Int32.max), (Double(request.k) * oversample).rounded(.up)))
    let found = best(queries, wide)
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    try pool.forEach(request.ids.count) { [self] query, _ throws(Failure) in
      let id = request.ids[query]
      let ordinals = try found.best[query].finish(id, place).map { Int($0.ordinal) }.sorted()
      var candidates = Candidates(id, request, documents)
      let scores = try reference.scores(request.queries, query, of: ordinals)
      for (ordinal, score) in zip(ordinals, scores) { candidates.offer(ordinal, score) }
      results.set(query, try candidates.finish(id, place))
    }
    return request.ids.indices.map { results.take($0) }
  }

  private func estimated(
    _ queries: BitQueries, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    var limits = request
    limits.floor = -.infinity
    return try best(queries, limits).best.enumerated().map { query, candidates throws(Failure) in
      // Rounding may make equal scores of different ones.
      try candidates.finish(request.ids[query], place).map { entry in
        var entry = entry
        entry.score = queries.score(query, estimate: entry.score, similarity)
        return entry
      }.filter { $0.score >= request.floor }.sorted(by: >)
    }
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    guard let reference else {
      throw .config(
        place, "the index has codes alone, no vectors", hint: "build it with --originals keep")
    }
    return reference.vectors(of: ordinals)
  }

  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    if let reference {
      return try reference.explanations(queries, query, of: ordinals, naming: name)
    }
    return try scores(queries, query, of: ordinals).map { score in
      [
        JSON.Member("similarity", .string(similarity.rawValue)),
        JSON.Member("estimate", .number(score)),
      ]
    }
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    if let reference { return try reference.scores(queries, query, of: ordinals) }
    let values = try FlatIndex.checked(queries[query..<query + 1], codes.dimension, place) { _ in
      "the query"
    }
    let own = codes.queries(values, count: 1, similarity, kernels)
    return ordinals.map {
      own.score(0, estimate: codes.estimate($0, own.tables), similarity)
    }
  }
}
