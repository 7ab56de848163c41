import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import Vectors
import Workers

/// Exact search by comparing every vector of a query with every vector of every document.
///
/// A score has the bits of `VectorInteraction`, whatever the other queries and documents of its tile,
/// the threads or the instruction set.
final class MultiVectorIndex: RescoringIndex, VectorSource, ExplainingIndex {
  let documents: DocumentTable
  let heedsReached = true
  let place: String
  let width: Int
  let scoring: VectorScoring
  let vectors: StoredRows
  let offsets: RaggedOffsets
  let kernels: Kernels
  private let pool: WorkerPool

  /// Vectors of documents that are compared at a time, unless one document has more.
  private static let tile = 1024
  /// Vectors of queries that are compared at a time, unless one query has more.
  private static let queryBlock = 512

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - work: What searches.
  ///   - files: The vectors, and the scales that those of bytes have.
  ///   - rounding: What numbers are rounded to before they are compared; nil for as they are.
  /// - Throws: 65 where the files do not fit the manifest, 78 for scores that are not known.
  init(
    _ segment: IndexSegment, _ work: IndexWork,
    rows files: (vectors: IndexFile, scales: IndexFile) = (MultiVector.vectors, MultiVector.scales),
    roundedTo rounding: HalfFormat? = nil
  ) throws(Failure) {
    place = segment.folder
    kernels = work.kernels
    pool = work.pool
    documents = try DocumentTable(segment)
    scoring = try VectorScoring(segment.manifest.source, segment.folder)
    let rows = try segment.tensor(files.vectors)
    guard RowCodec.types.contains(rows.entry.type) else {
      throw .data(rows.file.path, "damaged: vectors of \(rows.entry.type.rawValue)")
    }
    let scales = rows.entry.type == .i8 ? try segment.tensor(files.scales) : nil
    vectors = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, kernels,
      roundedTo: rounding)
    width = vectors.width
    offsets = try RaggedOffsets(segment, MultiVector.offsets, rows: vectors.count)
  }

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let sets = try checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    var results: [[TopDocuments.Entry]] = []
    for range in Self.blocks(sets, width: width) {
      results += try search(sets[range], range, request)
    }
    return results
  }

  /// Parts of queries that are compared together.
  static func blocks(_ queries: [VectorSet], width: Int) -> [Range<Int>] {
    var blocks: [Range<Int>] = []
    var (first, vectors) = (0, 0)
    for (query, set) in queries.enumerated() {
      let count = set.values.count / width
      if query > first, vectors + count > queryBlock {
        blocks.append(first..<query)
        (first, vectors) = (query, 0)
      }
      vectors += count
    }
    if first < queries.count { blocks.append(first..<queries.count) }
    return blocks
  }

  /// The vectors of queries; `name` is what a query is called in messages.
  func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [VectorSet] {
    try Self.checked(queries, width, place, name)
  }

  /// The vectors of queries of an index at `place` whose vectors have `width` numbers.
  static func checked(
    _ queries: Embeddings, _ width: Int, _ place: String, _ name: (Int) -> String
  ) throws(Failure) -> [VectorSet] {
    guard case .vectors(let sets, let shape) = queries, shape.width == width, shape.cls == nil
    else {
      throw .config(
        place,
        "expected queries of several vectors of dimension \(width), found \(queries.form)")
    }
    for (query, set) in sets.enumerated() {
      if let value = set.values.first(where: { !$0.isFinite }) {
        throw .data(name(query), "expected finite values, found \(value)")
      }
    }
    return sets
  }

  // MARK: The scan

  /// Compares a block of queries with all documents; every worker keeps its own best ones.
  private func search(
    _ queries: ArraySlice<VectorSet>, _ range: Range<Int>, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let batch = InteractionBatch(
      queries, width: width, scoring.similarity, scoring.aggregations, kernels)
    let empty = range.map { Candidates(query: $0, request, documents) }
    let states = WorkerLocal(pool) { WorkerState(best: empty) }
    let chunk = documentsPerChunk
    let chunks = (documents.count + chunk - 1) / chunk
    try pool.forEach(chunks) { [self] index, worker throws(Failure) in
      let range = index * chunk..<min((index + 1) * chunk, documents.count)
      try states.with(worker) { state throws(Failure) in
        try forEachTile(range) { tile, offsets in
          score(offsets, batch, state.memory)
          state.collect(tile, offsets, batch)
        }
      }
    }
    var merged = empty
    for worker in 0..<pool.threads {
      states.with(worker) { state in
        for query in merged.indices { merged[query].merge(state.best[query]) }
      }
    }
    var results: [[TopDocuments.Entry]] = []
    for (id, candidates) in zip(request.ids[range], merged) {
      results.append(try candidates.finish(id, place))
    }
    return results
  }

  /// Documents of a worker's turn: about a tile.
  var documentsPerChunk: Int {
    max(1, min(Self.tile, Self.tile * documents.count / max(vectors.count, 1)))
  }

  /// Cuts documents into tiles.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - body: Gets a tile's documents, the row at which each begins and that at which the last ends.
  /// - Throws: 65 where a document's rows lie outside of the file.
  func forEachTile(
    _ range: Range<Int>, _ body: (Range<Int>, _ offsets: [Int]) -> Void
  ) throws(Failure) {
    var first = range.lowerBound
    var ends: [Int] = []
    for ordinal in range {
      let rows = try offsets.range(ordinal)
      if let start = ends.first, rows.upperBound - start > Self.tile {
        body(first..<ordinal, ends)
        (first, ends) = (ordinal, [])
      }
      if ends.isEmpty { ends.append(rows.lowerBound) }
      ends.append(rows.upperBound)
    }
    if !ends.isEmpty { body(first..<range.upperBound, ends) }
  }

  /// Scores of a tile's documents for all queries of a batch, into `memory.scores`.
  private func score(_ offsets: [Int], _ batch: InteractionBatch, _ memory: Memory) {
    let range = offsets[0]..<offsets[offsets.count - 1]
    if memory.rows.count < range.count * width {
      memory.rows = AlignedBuffer(count: range.count * width)
    }
    batch.score(
      vectors.rows(range, scratch: memory.rows), offsets: offsets.map { $0 - range.lowerBound },
      memory.scratch, into: &memory.scores)
  }

  /// Scratch memory of a worker.
  private final class Memory {
    let scratch = InteractionBatch.Scratch()
    /// Vectors of documents in single precision.
    var rows = AlignedBuffer(count: 0)
    /// scores[documents, queries] of a tile.
    var scores: [Float] = []
  }

  private struct WorkerState {
    var best: [Candidates]
    let memory = Memory()

    /// Takes note of a tile's scores.
    mutating func collect(_ tile: Range<Int>, _ offsets: [Int], _ batch: InteractionBatch) {
      for (place, ordinal) in tile.enumerated() {
        let items = offsets[place + 1] - offsets[place]
        for query in best.indices where batch.hasScore(query, items: items) {
          best[query].offer(ordinal, memory.scores[place * batch.count + query])
        }
      }
    }
  }

  // MARK: Given documents

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let sets = try checked(queries[query..<query + 1]) { _ in "the query" }
    let batch = InteractionBatch(
      sets, width: width, scoring.similarity, scoring.aggregations, kernels)
    return try scores(batch, of: ordinals)
  }

  /// Scores of some documents for a batch of one query.
  func scores(_ batch: InteractionBatch, of ordinals: [Int]) throws(Failure) -> [Float] {
    precondition(batch.count == 1, "\(batch.count) queries")
    let memory = Memory()
    var results: [Float] = []
    results.reserveCapacity(ordinals.count)
    for ordinal in ordinals {
      let range = try offsets.range(ordinal)
      score([range.lowerBound, range.upperBound], batch, memory)
      results.append(memory.scores[0])
    }
    return results
  }

  func vectors(of ordinals: [Int]) throws(Failure) -> Embeddings {
    let sets = try ordinals.map { ordinal throws(Failure) in
      let range = try offsets.range(ordinal)
      let rows = vectors.rows(range, scratch: AlignedBuffer(count: range.count * width))
      var set = VectorSet()
      set.values = Array(UnsafeBufferPointer(start: rows.base, count: range.count * width))
      return set
    }
    return .vectors(sets, VectorShape(width: width, hasTokens: false))
  }
}
