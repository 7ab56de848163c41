import Failures
import IndexFormat
import Kernels
import Retrieval
import Vectors
import Workers

/// Search by codes of a byte a number, with the result of comparing the vectors themselves.
///
/// A scan of the codes gives each document a range for its score (`ByteInteraction`). Documents that k
/// others certainly surpass are out. The rest are compared as `MultiVectorIndex` does, those first whose
/// scores may be largest, until no other can be among the best. So the scores and their order are its
/// own, at a quarter of the bytes read.
final class CodedMultiVectorIndex: RescoringIndex, VectorSource, ExplainingIndex {
  let documents: DocumentTable
  let heedsReached = true
  private let codes: TokenCodes
  let reference: MultiVectorIndex
  private let isApproximate: Bool
  private let kernels: Kernels
  private let pool: WorkerPool
  private let survivors = SurvivorCounts()

  /// - Parameters:
  ///   - segment: With codes.
  ///   - reference: What compares the vectors that the codes stand for.
  ///   - isApproximate: Whether scores of codes are scores.
  ///   - work: What searches.
  /// - Throws: 65 where the files do not fit the manifest.
  init(
    _ segment: IndexSegment, reference: MultiVectorIndex, _ isApproximate: Bool, _ work: IndexWork
  ) throws(Failure) {
    codes = try TokenCodes(segment)
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

  func search(_ request: SearchRequest) throws(Failure) -> [[TopDocuments.Entry]] {
    let sets = try reference.checked(request.queries) { query in
      "query \(String(decoding: request.ids[query], as: UTF8.self))"
    }
    let scoring = reference.scoring
    var results: [[TopDocuments.Entry]] = []
    for range in MultiVectorIndex.blocks(sets, width: reference.width) {
      let part = request.part(range)
      let queries =
        sets[range].allSatisfy { $0.values.isEmpty }
        ? nil
        : ByteInteraction(
          sets[range], width: reference.width, scoring.similarity, scoring.aggregations.query,
          proves: !isApproximate, kernels)
      if let queries, queries.covers(documentsUpTo: codes.longest) {
        results +=
          try isApproximate ? approximate(queries, part) : certified(queries, sets[range], part)
      } else {
        results += try reference.search(part)
      }
    }
    return results
  }

  // MARK: With the proof

  private func certified(
    _ queries: ByteInteraction, _ sets: ArraySlice<VectorSet>, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let found = try scan(
      queries, request.ids.indices.map { Contenders(query: $0, request, documents) }
    ) {
      $0.offer($1, least: $2.least, most: $2.most)
    }
    let results = Results<[TopDocuments.Entry]>(request.ids.count)
    let all = Array(sets)
    try pool.forEach(request.ids.count) { [self] query, _ throws(Failure) in
      let batch = InteractionBatch(
        all[query...query], width: reference.width, reference.scoring.similarity,
        reference.scoring.aggregations, kernels)
      var best = Candidates(query: query, request, documents)
      let contenders = found[query].survivors.sorted {
        $0.most != $1.most ? $0.most > $1.most : $0.ordinal < $1.ordinal
      }
      survivors.add(try rescore(contenders, batch, &best), of: query, request)
      results.set(query, try best.finish(request.ids[query], reference.place))
    }
    return request.ids.indices.map { results.take($0) }
  }

  /// Compares those documents that may still be among the best.
  ///
  /// - Parameters:
  ///   - contenders: Documents and what their scores are at most, largest first.
  ///   - query: The only one.
  ///   - best: Gets what is found.
  /// - Returns: The number of documents that were compared.
  /// - Throws: 65 where a document's vectors lie outside of the file.
  private func rescore(
    _ contenders: [(ordinal: Int, most: Float)], _ query: InteractionBatch,
    _ best: inout Candidates
  ) throws(Failure) -> Int {
    var next = 0
    while next < contenders.count, contenders[next].most >= best.threshold {
      let end = min(next + Self.rescored, contenders.count)
      let ordinals = contenders[next..<end].map(\.ordinal)
      for (ordinal, score) in zip(ordinals, try reference.scores(query, of: ordinals)) {
        best.offer(ordinal, score)
      }
      next = end
    }
    return next
  }

  /// Documents that are compared before it is asked whether others may be better.
  private static let rescored = 8

  // MARK: Without it

  private func approximate(
    _ queries: ByteInteraction, _ request: SearchRequest
  ) throws(Failure) -> [[TopDocuments.Entry]] {
    let found = try scan(
      queries, request.ids.indices.map { Candidates(query: $0, request, documents) }
    ) {
      $0.offer($1, $2.most)
    }
    var results: [[TopDocuments.Entry]] = []
    for (id, candidates) in zip(request.ids, found) {
      results.append(try candidates.finish(id, reference.place))
    }
    return results
  }

  // MARK: The scan

  /// Scans all documents for a block of queries; every worker keeps what it finds, and all of it is
  /// joined.
  ///
  /// - Parameters:
  ///   - queries: The block.
  ///   - empty: What collects the documents of each query.
  ///   - take: Takes note of a document and the range of its score.
  /// - Returns: What was collected for each query.
  /// - Throws: 65 where a document's vectors lie outside of the file.
  private func scan<Collector: MergeableCollector>(
    _ queries: ByteInteraction, _ empty: [Collector],
    _ take:
      @escaping @Sendable (inout Collector, _ ordinal: Int, (least: Float, most: Float)) -> Void
  ) throws(Failure) -> [Collector] {
    let states = WorkerLocal(pool) { WorkerState(collectors: empty) }
    let chunk = reference.documentsPerChunk
    let chunks = (documents.count + chunk - 1) / chunk
    try pool.forEach(chunks) { [self] index, worker throws(Failure) in
      let range = index * chunk..<min((index + 1) * chunk, documents.count)
      try states.with(worker) { state throws(Failure) in
        try reference.forEachTile(range) { tile, offsets in
          compare(offsets, queries, &state)
          for (place, ordinal) in tile.enumerated() {
            let rows = offsets[place]..<offsets[place + 1]
            let (error, norm) = codes.extremes(rows)
            let maxima = state.maxima.pointer + place * queries.width
            for query in 0..<queries.count where queries.hasScore(query, items: rows.count) {
              take(
                &state.collectors[query], ordinal,
                queries.range(query, maxima, error: error, norm: norm))
            }
          }
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

  /// Fills the maxima of a tile's documents.
  private func compare<Collector>(
    _ offsets: [Int], _ queries: ByteInteraction, _ state: inout WorkerState<Collector>
  ) {
    let range = offsets[0]..<offsets[offsets.count - 1]
    let isDistance = reference.scoring.similarity == .l2
    if isDistance, state.offsets.count < range.count {
      state.offsets = AlignedBuffer(count: range.count)
    }
    let count = (offsets.count - 1) * queries.width
    if state.maxima.count < count { state.maxima = AlignedBuffer(count: count) }
    queries.largest(
      codes.rows(range, offsets: isDistance ? state.offsets : nil),
      starts: offsets.map { $0 - range.lowerBound }, into: state.maxima, kernels)
  }

  /// Scratch memory and results of a worker.
  private struct WorkerState<Collector> {
    var collectors: [Collector]
    var maxima = AlignedBuffer(count: 0)
    var offsets = AlignedBuffer(count: 0)

    init(collectors: [Collector]) { self.collectors = collectors }
  }
}
