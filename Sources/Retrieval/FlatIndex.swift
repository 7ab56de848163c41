import Failures
import IndexFormat
import Kernels
import Streams
import Tensors
import Vectors
import Workers

/// Exact search by comparing every query with every document.
///
/// A score is one fused multiply-add after the other over the dimensions, so it is the same bits
/// whatever the other queries, the threads or the instruction set.
package final class FlatIndex: SearchableIndex {
  package let folder: IndexFolder
  package let documents: DocumentTable
  private let dimension: Int
  private let measure: Similarity
  private let vectors: StoredRows
  private let kernels: Kernels
  private let pool: WorkerPool

  /// Documents that are compared at a time: their scores stay in the cache.
  private static let chunk = 512
  /// Queries that are compared at a time.
  private static let queryBlock = 256

  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not known.
  package init(_ folder: IndexFolder, _ kernels: Kernels, _ pool: WorkerPool) throws(Failure) {
    self.folder = folder
    self.kernels = kernels
    self.pool = pool
    documents = try DocumentTable(folder)
    dimension = folder.manifest.dimension
    let similarity = folder.manifest.stream.similarity ?? "dot"
    guard let measure = Similarity(rawValue: similarity) else {
      throw .config(folder.path, "similarity \(similarity) is not supported")
    }
    self.measure = measure
    let file = try folder.tensors(FlatFiles.vectors)
    guard let entry = file.entry("embeddings"), entry.shape == [documents.count, dimension],
      entry.type == folder.manifest.element, RowCodec.types.contains(entry.type)
    else {
      throw .data(file.path, "expected embeddings of shape [\(documents.count), \(dimension)]")
    }
    let scales = entry.type == .i8 ? try Self.scales(folder, documents.count) : nil
    vectors = StoredRows((file, entry), scales: scales, kernels)
  }

  private static func scales(
    _ folder: IndexFolder, _ count: Int
  ) throws(Failure) -> (SafeTensorsFile, SafeTensorsHeader.Entry) {
    let file = try folder.tensors(FlatFiles.scales)
    guard let entry = file.entry("scales"), entry.shape == [count], entry.type == .f32 else {
      throw .data(file.path, "expected scales of shape [\(count)]")
    }
    return (file, entry)
  }

  package func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    guard case .dense(let values, let width) = request.vectors, width == dimension else {
      throw .config(
        folder.path, "expected dense queries of dimension \(dimension)")
    }
    for (query, id) in request.ids.enumerated() {
      for value in values[query * width..<(query + 1) * width] where !value.isFinite {
        throw .data(
          "query \(String(decoding: id, as: UTF8.self))", "expected finite values, found \(value)")
      }
    }
    var results: [[TopDocuments.Entry]] = []
    for start in stride(from: 0, to: request.ids.count, by: Self.queryBlock) {
      let range = start..<min(start + Self.queryBlock, request.ids.count)
      let block = Array(values[range.lowerBound * width..<range.upperBound * width])
      results += try search(block, Array(request.ids[range]), request)
    }
    return results
  }

  /// Compares a block of queries with all documents; every worker keeps its own best ones.
  private func search(
    _ values: [Float], _ ids: [[UInt8]], _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let count = ids.count
    let queries = DenseComparison(values, count: count, measure, kernels)
    let masks = request.filter.map { filter in ids.map { filter.mask($0) } }
    let own = request.dropsSelf ? ids.map { documents.ordinal($0) ?? -1 } : []
    let best = WorkerLocal(pool) {
      WorkerState(queries: count, k: request.k, chunk: Self.chunk, dimension: dimension)
    }
    let chunks = (documents.count + Self.chunk - 1) / Self.chunk
    try pool.forEach(chunks) { [self] chunk, worker throws(Failure) in
      let range = chunk * Self.chunk..<min((chunk + 1) * Self.chunk, documents.count)
      try best.with(worker) { state throws(Failure) in
        score(range, queries, &state)
        for query in 0..<count {
          let drop = own.isEmpty ? -1 : own[query]
          let notFinite = collect(query, count, range, drop: drop, mask: masks?[query], &state)
          if let notFinite { throw self.notFinite(ids[query], notFinite) }
        }
      }
    }
    var merged = (0..<count).map { _ in TopDocuments(request.k) }
    for worker in 0..<pool.threads {
      best.with(worker) { state in
        for query in 0..<count { merged[query].insert(state.best[query]) }
      }
    }
    return merged.map(\.sorted)
  }

  /// Scratch memory and results of a worker.
  private struct WorkerState {
    var best: [TopDocuments]
    /// scores[chunk, queries].
    let scores: AlignedBuffer
    /// Documents in single precision, [chunk, dimension].
    let rows: AlignedBuffer

    init(queries: Int, k: Int, chunk: Int, dimension: Int) {
      best = (0..<queries).map { _ in TopDocuments(k) }
      scores = AlignedBuffer(count: chunk * queries)
      rows = AlignedBuffer(count: chunk * dimension)
    }
  }

  /// Scores of a chunk of documents for all queries of the block.
  private func score(_ range: Range<Int>, _ queries: DenseComparison, _ state: inout WorkerState) {
    queries.score(
      vectors.rows(range, scratch: state.rows), scratch: state.rows,
      into: state.scores.matrix(rows: range.count, columns: queries.count))
  }

  private func notFinite(_ query: [UInt8], _ ordinal: Int) -> Failure {
    let query = String(decoding: query, as: UTF8.self)
    let document = String(decoding: documents.id(ordinal), as: UTF8.self)
    return .data(
      folder.path, "the score of document \(document) for query \(query) is not a finite number")
  }

  /// Takes note of a chunk's scores for a query.
  ///
  /// - Returns: the first document that may be found and has a score that is no finite number;
  ///   whatever was found before, so that the threads do not decide.
  private func collect(
    _ query: Int, _ queries: Int, _ range: Range<Int>, drop: Int, mask: DocumentFilter.Mask?,
    _ state: inout WorkerState
  ) -> Int? {
    var threshold = state.best[query].threshold
    for row in 0..<range.count {
      let score = state.scores.pointer[row * queries + query]
      // Equal scores may still enter by their ids.
      if score < threshold, score > -.infinity { continue }
      let ordinal = range.lowerBound + row
      if ordinal == drop || mask.map({ !$0.contains(ordinal) }) ?? false { continue }
      if !score.isFinite { return ordinal }
      state.best[query].insert(
        TopDocuments.Entry(
          score: score, rank: documents.rank(ordinal), ordinal: Int32(ordinal)))
      threshold = state.best[query].threshold
    }
    return nil
  }

  /// Scores of some documents for one query, in their order: the bits that `search` gives.
  package func scores(_ query: [Float], ordinals: [Int]) -> [Float] {
    let queries = DenseComparison(query, count: 1, measure, kernels)
    var state = WorkerState(queries: 1, k: 1, chunk: 1, dimension: dimension)
    return ordinals.map { ordinal in
      score(ordinal..<ordinal + 1, queries, &state)
      return state.scores.pointer[0]
    }
  }
}
