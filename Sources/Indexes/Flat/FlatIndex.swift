import Failures
import IndexFormat
import JSON
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Exact search by comparing every query with every document.
///
/// A score is one fused multiply-add after the other over the dimensions, so it is the same bits
/// whatever the other queries, the threads or the instruction set.
final class FlatIndex: RescoringIndex, VectorIndex, ExplainingIndex {
  let documents: DocumentTable
  let place: String
  let dimension: Int
  let similarity: Similarity
  private let vectors: StoredRows
  private let kernels: Kernels
  private let pool: WorkerPool

  /// Documents that are compared at a time: their scores stay in the cache.
  private static let chunk = 512
  /// Queries that are compared at a time.
  private static let queryBlock = 256

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - work: What searches.
  ///   - files: The vectors, and the scales that those of bytes have.
  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not known.
  init(
    _ segment: IndexSegment, _ work: IndexWork,
    rows files: (vectors: IndexFile, scales: IndexFile) = (Flat.vectors, Flat.scales)
  ) throws(Failure) {
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
    documents = try DocumentTable(segment)
    similarity = try Flat.similarity(segment.manifest.source, segment.folder)
    let rows = try segment.tensor(files.vectors)
    guard RowCodec.types.contains(rows.entry.type) else {
      throw .data(rows.file.path, "damaged: vectors of \(rows.entry.type.rawValue)")
    }
    let scales = rows.entry.type == .i8 ? try segment.tensor(files.scales) : nil
    vectors = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, kernels)
    dimension = vectors.width
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let values = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    var results: [[TopDocuments.Entry]] = []
    for start in stride(from: 0, to: request.ids.count, by: Self.queryBlock) {
      let range = start..<min(start + Self.queryBlock, request.ids.count)
      let block = Array(values[range.lowerBound * dimension..<range.upperBound * dimension])
      results += try search(block, Array(request.ids[range]), request)
    }
    return results
  }

  /// The numbers of queries; `name` is what a query is called in messages.
  func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [Float] {
    guard case .dense(let values, let width) = queries, width == dimension else {
      throw .config(
        place, "expected dense queries of dimension \(dimension), found \(queries.form)")
    }
    if let first = values.firstIndex(where: { !$0.isFinite }) {
      throw .data(name(first / width), "expected finite values, found \(values[first])")
    }
    return values
  }

  /// Compares a block of queries with all documents; every worker keeps its own best ones.
  private func search(
    _ values: [Float], _ ids: [[UInt8]], _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let count = ids.count
    let queries = DenseComparison(values, count: count, similarity, kernels)
    let empty = ids.map { Candidates($0, request, documents) }
    let states = WorkerLocal(pool) {
      WorkerState(empty, chunk: Self.chunk, dimension: dimension)
    }
    let chunks = (documents.count + Self.chunk - 1) / Self.chunk
    pool.forEachUnchecked(chunks) { chunk, worker in
      let range = chunk * Self.chunk..<min((chunk + 1) * Self.chunk, documents.count)
      states.with(worker) { state in
        score(range, queries, &state)
        for query in 0..<count { state.collect(query, count, range) }
      }
    }
    var merged = empty
    for worker in 0..<pool.threads {
      states.with(worker) { state in
        for query in 0..<count { merged[query].merge(state.best[query]) }
      }
    }
    var results: [[TopDocuments.Entry]] = []
    for (id, candidates) in zip(ids, merged) { results.append(try candidates.finish(id, place)) }
    return results
  }

  /// Scratch memory and results of a worker.
  private struct WorkerState {
    var best: [Candidates]
    /// scores[chunk, queries].
    let scores: AlignedBuffer
    /// Documents in single precision, [chunk, dimension].
    let rows: AlignedBuffer

    init(_ empty: [Candidates], chunk: Int, dimension: Int) {
      best = empty
      scores = AlignedBuffer(count: chunk * empty.count)
      rows = AlignedBuffer(count: chunk * dimension)
    }

    /// Takes note of a chunk's scores for a query.
    mutating func collect(_ query: Int, _ queries: Int, _ range: Range<Int>) {
      var threshold = best[query].threshold
      for row in 0..<range.count {
        let score = scores.pointer[row * queries + query]
        if score < threshold, score > -.infinity { continue }
        best[query].offer(range.lowerBound + row, score)
        threshold = best[query].threshold
      }
    }
  }

  /// Scores of a chunk of documents for all queries of the block.
  private func score(_ range: Range<Int>, _ queries: DenseComparison, _ state: inout WorkerState) {
    queries.score(
      vectors.rows(range, scratch: state.rows), scratch: state.rows,
      into: state.scores.matrix(rows: range.count, columns: queries.count))
  }

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let values = try checked(queries[query..<query + 1]) { _ in "the query" }
    return scores(values, of: ordinals)
  }

  /// Scores of some documents for the numbers of one query.
  func scores(_ query: [Float], of ordinals: [Int]) -> [Float] {
    let comparison = DenseComparison(query, count: 1, similarity, kernels)
    let one = AlignedBuffer(count: dimension)
    let rows = AlignedBuffer(count: Self.gathered * dimension)
    let scores = AlignedBuffer(count: Self.gathered)
    var results: [Float] = []
    results.reserveCapacity(ordinals.count)
    for start in stride(from: 0, to: ordinals.count, by: Self.gathered) {
      let part = ordinals[start..<min(start + Self.gathered, ordinals.count)]
      for (place, ordinal) in part.enumerated() {
        (rows.pointer + place * dimension).update(
          from: vectors.rows(ordinal..<ordinal + 1, scratch: one).base, count: dimension)
      }
      comparison.score(
        rows.matrix(rows: part.count, columns: dimension).view, scratch: rows,
        into: scores.matrix(rows: part.count, columns: 1))
      results += UnsafeBufferPointer(start: scores.pointer, count: part.count)
    }
    return results
  }

  func vectors(of ordinals: [Int]) -> Embeddings {
    let row = AlignedBuffer(count: dimension)
    var values: [Float] = []
    values.reserveCapacity(ordinals.count * dimension)
    for ordinal in ordinals {
      let found = vectors.rows(ordinal..<ordinal + 1, scratch: row)
      values += UnsafeBufferPointer(start: found.base, count: dimension)
    }
    return .dense(values, dimension: dimension)
  }

  /// Similarity and lengths: single dimensions of a dense vector mean nothing by themselves.
  func explanations(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int], naming name: (Int32) -> String?
  ) throws(Failure) -> [[JSON.Member]] {
    let own = try checked(queries[query..<query + 1]) { _ in "the query" }
    func length(_ values: [Float]) -> JSON {
      .number(Float(values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()))
    }
    return ordinals.map { ordinal in
      guard case .dense(let values, _) = vectors(of: [ordinal]) else { return [] }
      return [
        JSON.Member("similarity", .string(similarity.rawValue)),
        JSON.Member("query_length", length(own)), JSON.Member("document_length", length(values)),
      ]
    }
  }

  /// Documents that are scored together when they are given: a step of the kernels for one query.
  private static let gathered = 64
}
