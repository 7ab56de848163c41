import Kernels
import Retrieval
import Vectors

/// Compares the vectors of lists with all queries of a block that look there.
///
/// So a list is read once, and tiles of its documents and queries are multiplied, which is many times faster
/// than a query by itself. A score is the same bits as there.
struct SharedProbes {
  let reference: FlatIndex
  let lists: InvertedLists
  let kernels: Kernels
  /// queries[n, dimension]; of cosines of unit length.
  let queries: [Float]

  /// Queries that are compared with a list at a time.
  static let together = 128

  /// Compares the nearest lists of each query, and then its others: what is found in those excludes most of
  /// what is here.
  ///
  /// - Parameters:
  ///   - nearest: nearest[n, wanted], lists of each query, best first.
  ///   - wanted: Lists of a query.
  ///   - best: Takes note of what is found.
  ///   - room: Scratch memory for a step of documents and `together` queries.
  func compare(
    _ nearest: [Int32], _ wanted: Int, _ best: inout BlockCandidates, _ room: FlatRoom
  ) {
    let first = (wanted + 15) / 16
    let memory = Memory(dimension: reference.dimension)
    for ranks in [0..<first, first..<wanted] where !ranks.isEmpty {
      let visits = ListVisits(nearest, wanted, ranks, lists: lists.count)
      for list in 0..<lists.count {
        let all = visits.queries(of: list)
        for start in stride(from: all.startIndex, to: all.endIndex, by: Self.together) {
          let some = all[start..<min(start + Self.together, all.endIndex)]
          compare(list, some, memory, &best, room)
        }
      }
    }
  }

  private func compare(
    _ list: Int, _ some: ArraySlice<Int32>, _ memory: Memory, _ best: inout BlockCandidates,
    _ room: FlatRoom
  ) {
    let dimension = reference.dimension
    queries.withUnsafeBufferPointer { queries in
      for (place, query) in some.enumerated() {
        (memory.gathered.pointer + place * dimension).update(
          from: queries.baseAddress.unsafelyUnwrapped + Int(query) * dimension, count: dimension)
      }
    }
    let packed = PackedMatrix(rows: some.count, columns: dimension, memory: memory.packed)
    for panel in 0..<packed.panels {
      packed.fill(
        panel: panel, memory.gathered.pointer, rowStride: dimension, columnStride: 1,
        kernels: kernels)
    }
    let comparison = DenseComparison(packed, reference.similarity, kernels)
    var thresholds = some.map { best.thresholds[Int($0)] }
    let range = lists.range(list)
    for start in stride(from: range.lowerBound, to: range.upperBound, by: FlatIndex.step) {
      let step = start..<min(start + FlatIndex.step, range.upperBound)
      reference.compare(step, comparison, &thresholds, room) { column, ordinal, score in
        let query = Int(some[some.startIndex + column])
        best.offer(query, ordinal, score)
        return best.thresholds[query]
      }
    }
  }

  /// Queries of a list, as they are and as they are multiplied.
  private struct Memory {
    let gathered: AlignedBuffer
    let packed: AlignedBuffer

    init(dimension: Int) {
      gathered = AlignedBuffer(count: SharedProbes.together * dimension)
      packed = AlignedBuffer(
        count: PackedMatrix.memoryCount(rows: SharedProbes.together, columns: dimension))
    }
  }
}

/// Queries of a block by the lists that they look at.
struct ListVisits {
  private let starts: [Int]
  private let visitors: [Int32]

  /// - Parameters:
  ///   - nearest: nearest[n, wanted], lists of each query.
  ///   - wanted: Lists of a query.
  ///   - ranks: Which of them count.
  ///   - lists: How many there are.
  init(_ nearest: [Int32], _ wanted: Int, _ ranks: Range<Int>, lists: Int) {
    var starts = [Int](repeating: 0, count: lists + 1)
    let queries = nearest.count / wanted
    for query in 0..<queries {
      for rank in ranks { starts[Int(nearest[query * wanted + rank]) + 1] += 1 }
    }
    for list in 0..<lists { starts[list + 1] += starts[list] }
    var ends = starts
    var visitors = [Int32](repeating: 0, count: starts[lists])
    for query in 0..<queries {
      for rank in ranks {
        let list = Int(nearest[query * wanted + rank])
        visitors[ends[list]] = Int32(query)
        ends[list] += 1
      }
    }
    self.starts = starts
    self.visitors = visitors
  }

  /// The queries that look at a list, ascending.
  func queries(of list: Int) -> ArraySlice<Int32> { visitors[starts[list]..<starts[list + 1]] }
}
