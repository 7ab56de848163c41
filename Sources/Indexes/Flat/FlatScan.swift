import Kernels
import Retrieval
import Workers

/// Scratch memory in which a worker compares some documents with a block of queries.
final class FlatRoom {
  /// scores[rows, queries].
  let scores: AlignedBuffer
  /// Documents in single precision, [rows, dimension].
  let rows: AlignedBuffer
  /// One of them as it is stored, and once more as it is cut.
  let one: AlignedBuffer
  /// What stands in a score besides the product, of each document.
  let offsets: AlignedBuffer
  let results: ScanResults

  /// - Parameters:
  ///   - rows: Documents that are compared at a time.
  ///   - queries: Queries that they are compared with.
  ///   - dimension: Numbers of a vector.
  ///   - full: Numbers of a vector as it is stored; nil for as many.
  init(rows: Int, queries: Int, dimension: Int, full: Int? = nil) {
    scores = AlignedBuffer(count: rows * queries)
    self.rows = AlignedBuffer(count: rows * dimension)
    one = AlignedBuffer(count: 2 * (full ?? dimension))
    offsets = AlignedBuffer(count: rows)
    results = ScanResults(capacity: rows * queries)
  }
}

/// The best documents of a block of queries, with their thresholds as the kernels take them.
struct BlockCandidates: MergeableCollector {
  private(set) var best: [Candidates]
  private(set) var thresholds: [Float]

  init(_ empty: [Candidates]) {
    best = empty
    thresholds = empty.map(\.threshold)
  }

  /// Takes note of a document's score for a query.
  mutating func offer(_ query: Int, _ ordinal: Int, _ score: Float) {
    // Most of what was found with an old threshold is below the new one.
    if score < thresholds[query], score > -.infinity { return }
    best[query].offer(ordinal, score)
    thresholds[query] = best[query].threshold
  }

  mutating func merge(_ other: BlockCandidates) {
    for query in best.indices {
      best[query].merge(other.best[query])
      thresholds[query] = best[query].threshold
    }
  }
}

extension WorkerPool {
  /// Documents that a worker takes at a time.
  private static var chunk: Int { 768 }

  /// Takes all documents step by step; every worker keeps what it finds, and all of it is joined.
  ///
  /// - Parameters:
  ///   - documents: Their number.
  ///   - size: Those of a step, a divisor of 768.
  ///   - empty: What collects documents, before there is one.
  ///   - room: Makes a worker's scratch memory.
  ///   - step: Looks at some documents.
  /// - Returns: What was collected.
  func scan<Collector: MergeableCollector>(
    _ documents: Int, by size: Int, _ empty: Collector, _ room: () -> FlatRoom,
    _ step: (inout Collector, _ range: Range<Int>, _ room: FlatRoom) -> Void
  ) -> Collector {
    precondition(Self.chunk % size == 0, "steps of \(size) documents")
    let states = WorkerLocal(self) { (found: empty, room: room()) }
    let chunks = (documents + Self.chunk - 1) / Self.chunk
    forEachUnchecked(chunks) { chunk, worker in
      let end = min((chunk + 1) * Self.chunk, documents)
      states.with(worker) { state in
        for start in stride(from: chunk * Self.chunk, to: end, by: size) {
          step(&state.found, start..<min(start + size, end), state.room)
        }
      }
    }
    var merged = empty
    for worker in 0..<threads {
      states.with(worker) { state in merged.merge(state.found) }
    }
    return merged
  }
}
