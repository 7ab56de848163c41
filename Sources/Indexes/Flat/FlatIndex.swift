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
  let heedsReached = true
  let place: String
  let dimension: Int
  let similarity: Similarity
  private let vectors: CutRows
  private let kernels: Kernels
  private let pool: WorkerPool

  /// Documents that are compared at a time: their scores stay in the cache.
  static let step = 192
  /// Queries that are compared at a time.
  static let queryBlock = 256

  /// - Parameters:
  ///   - segment: What is searched.
  ///   - work: What searches.
  ///   - files: The vectors, and the scales that those of bytes have.
  ///   - dims: Numbers that vectors are cut to; nil to compare them as they are.
  ///   - rounding: What numbers are rounded to before they are compared; nil for as they are.
  /// - Throws: 65 where the files do not fit the manifest, 78 for a similarity that is not known.
  init(
    _ segment: IndexSegment, _ work: IndexWork,
    rows files: (vectors: IndexFile, scales: IndexFile) = (Flat.vectors, Flat.scales),
    dims: Int? = nil, roundedTo rounding: HalfFormat? = nil
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
    let stored = StoredRows(
      (rows.file, rows.entry), scales: scales.map { ($0.file, $0.entry) }, kernels,
      roundedTo: rounding)
    vectors = CutRows(
      stored, dims.map { [kernels] in VectorCut(to: $0, rows.entry.type, kernels) })
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
      results += try search(block, range, request)
    }
    return results
  }

  /// The numbers of queries; `name` is what a query is called in messages.
  func checked(
    _ queries: Embeddings, _ name: (Int) -> String
  ) throws(Failure) -> [Float] {
    try Self.checked(queries, dimension, place, name)
  }

  /// The numbers of queries.
  ///
  /// - Parameters:
  ///   - queries: The queries.
  ///   - dimension: Numbers that each must have.
  ///   - place: The index, for messages.
  ///   - name: What a query is called in messages.
  /// - Returns: queries[count, dimension].
  /// - Throws: 78 for queries of another form, 65 for a number that is not finite.
  static func checked(
    _ queries: Embeddings, _ dimension: Int, _ place: String, _ name: (Int) -> String
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
    _ values: [Float], _ range: Range<Int>, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let queries = DenseComparison(values, count: range.count, similarity, kernels)
    let empty = range.map { Candidates(query: $0, request, documents) }
    let merged = pool.scan(documents.count, by: Self.step, BlockCandidates(empty)) {
      FlatRoom(rows: Self.step, queries: range.count, dimension: dimension, full: vectors.full)
    } _: { best, range, room in
      compare(range, queries, &best, room)
    }
    return try zip(request.ids[range], merged.best).map { id, best throws(Failure) in
      try best.finish(id, place)
    }
  }

  /// Compares some documents, at most a step, with a block of queries.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - queries: The block.
  ///   - best: Takes note of what is found.
  ///   - room: Scratch memory.
  func compare(
    _ range: Range<Int>, _ queries: DenseComparison, _ best: inout BlockCandidates,
    _ room: FlatRoom
  ) {
    var thresholds = best.thresholds
    compare(range, queries, &thresholds, room) { query, ordinal, score in
      best.offer(query, ordinal, score)
      return best.thresholds[query]
    }
  }

  /// Compares some documents, at most a step, with a block of queries.
  ///
  /// - Parameters:
  ///   - range: The documents.
  ///   - queries: The block.
  ///   - thresholds: The score of each query below which documents are not found.
  ///   - room: Scratch memory.
  ///   - found: Takes note of a query's document, and returns the query's threshold from then on.
  @inline(__always)
  func compare(
    _ range: Range<Int>, _ queries: DenseComparison, _ thresholds: inout [Float],
    _ room: FlatRoom, _ found: (_ query: Int, _ ordinal: Int, _ score: Float) -> Float
  ) {
    let scores = room.scores.matrix(rows: range.count, columns: queries.count)
    queries.score(
      vectors.rows(range, scratch: room.rows, one: room.one), scratch: room.rows, into: scores)
    // What was found raises the thresholds of what follows.
    for start in stride(from: 0, to: range.count, by: Self.selected) {
      let rows = start..<min(start + Self.selected, range.count)
      kernels.select(scores.view.rows(rows), thresholds: thresholds, into: room.results)
      for place in 0..<room.results.count {
        let (row, query, score) = room.results[place]
        thresholds[query] = found(query, range.lowerBound + start + row, score)
      }
    }
  }

  /// Documents that are looked at with the same thresholds.
  private static let selected = 32

  func scores(
    _ queries: Embeddings, _ query: Int, of ordinals: [Int]
  ) throws(Failure) -> [Float] {
    let values = try checked(queries[query..<query + 1]) { _ in "the query" }
    let room = FlatRoom(rows: Self.gathered, queries: 1, dimension: dimension, full: vectors.full)
    var results: [Float] = []
    results.reserveCapacity(ordinals.count)
    score(values, ordinals, room) { results.append($1) }
    return results
  }

  /// Scores some documents for one query.
  ///
  /// - Parameters:
  ///   - query: Its numbers, which are finite.
  ///   - ordinals: The documents.
  ///   - room: Scratch memory for `gathered` documents.
  ///   - found: Gets each document with its score, in their order.
  func score(
    _ query: [Float], _ ordinals: [Int], _ room: FlatRoom, _ found: (Int, Float) -> Void
  ) {
    let comparison = DenseComparison(query, count: 1, similarity, kernels)
    for start in stride(from: 0, to: ordinals.count, by: Self.gathered) {
      let part = ordinals[start..<min(start + Self.gathered, ordinals.count)]
      for (ordinal, score) in zip(part, scores(comparison, of: part, room)) {
        found(ordinal, score)
      }
    }
  }

  /// Scores of some documents, at most `gathered`, for one query.
  func scores(
    _ comparison: DenseComparison, of ordinals: some RandomAccessCollection<Int>, _ room: FlatRoom
  ) -> UnsafeBufferPointer<Float> {
    let scores = UnsafeBufferPointer(start: room.scores.pointer, count: ordinals.count)
    if let stored = vectors.asStored {
      // Numbers of one type: a function for any collection would not be specialised in another module.
      let isDone = withUnsafeTemporaryAllocation(of: Int32.self, capacity: ordinals.count) { rows in
        _ = rows.initialize(from: ordinals.lazy.map { Int32($0) })
        return comparison.score(
          stored, at: UnsafeBufferPointer(rows), scratch: room.rows, into: room.scores)
      }
      if isDone { return scores }
    }
    for ordinal in ordinals.prefix(Self.ahead) { vectors.fetch(ordinal) }
    var following = ordinals.dropFirst(Self.ahead).makeIterator()
    for (place, ordinal) in ordinals.enumerated() {
      if let next = following.next() { vectors.fetch(next) }
      (room.rows.pointer + place * dimension).update(
        from: vectors.row(ordinal, one: room.one).base, count: dimension)
    }
    comparison.score(
      room.rows.matrix(rows: ordinals.count, columns: dimension).view, scratch: room.rows,
      into: room.scores.matrix(rows: ordinals.count, columns: 1))
    return scores
  }

  func vectors(of ordinals: [Int]) -> Embeddings {
    let row = AlignedBuffer(count: 2 * vectors.full)
    var values: [Float] = []
    values.reserveCapacity(ordinals.count * dimension)
    for ordinal in ordinals {
      let found = vectors.row(ordinal, one: row)
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

  /// Documents whose vectors are asked for before they are read.
  private static let ahead = 6

  /// Documents that are scored together when they are given: a few steps of the kernels for one query.
  static let gathered = 64
}
