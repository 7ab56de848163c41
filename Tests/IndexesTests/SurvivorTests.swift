import IndexFormat
import Indexes
import Kernels
import Retrieval
import TestSupport
import Testing
import Vectors
import Workers

/// Survivors of several parts of an index are those of each query in all of them.
@Suite struct SurvivorTests {
  private static let width = 16

  private static func rows(_ count: Int, seed: UInt64) -> [Float] {
    var random = CounterRandom(seed: seed)
    return (0..<count * width).map { _ in Float(Int(random.next() >> 40) - 1 << 23) * 0x1p-23 }
  }

  private static func request(_ queries: [Float], _ range: Range<Int>) -> SearchRequest {
    SearchRequest(
      ids: range.map { Array("q\($0)".utf8) },
      queries: .dense(
        Array(queries[range.lowerBound * width..<range.upperBound * width]), dimension: width),
      k: 3)
  }

  private func figure(_ index: any SearchableIndex, _ name: String) throws -> Int {
    try #require(index.figures.first { $0.name == name }.flatMap { Int($0.value) })
  }

  @Test func sumsOverParts() throws {
    let folder = try TemporaryFolder()
    let count = 9
    let queries = Self.rows(count, seed: 1)
    var folders: [IndexFolder] = []
    for (part, size) in [400, 90, 260].enumerated() {
      let rows = denseRecords(Self.rows(size, seed: UInt64(part) + 2), Self.width)
      try writeStream(
        folder("s\(part)"), .dense(.f32, dimension: Self.width), dimension: Self.width,
        rows.enumerated().map { (Array("p\(part)-\($0)".utf8), $1.items, $1.columns) })
      try buildIndex(folder("i\(part)"), streams: [folder("s\(part)")], given: [("codes", "int8")])
      folders.append(try IndexFolder(folder("i\(part)")))
    }
    let work = IndexWork(Kernels(), WorkerPool(threads: 1))
    // The largest part is searched first, and what it finds excludes documents of the others.
    let bySize = [folders[0], folders[2], folders[1]]
    var (sums, alone): ([Int], [Int]) = ([], [])
    for query in 0..<count {
      var scores: [Float] = []
      var (sum, sumAlone) = (0, 0)
      for folder in bySize {
        var request = Self.request(queries, query..<query + 1)
        let other = try IndexTypes.open(folder, [], work).index
        _ = try other.search(request)
        sumAlone += try figure(other, "survivors_max")
        let index = try IndexTypes.open(folder, [], work).index
        request.reached = [scores.isEmpty ? -.infinity : scores[request.k - 1]]
        let found = try index.search(request)
        scores = (scores + found[0].map(\.score)).sorted(by: >)
        sum += try figure(index, "survivors_max")
      }
      sums.append(sum)
      alone.append(sumAlone)
    }
    #expect(sums.reduce(0, +) < alone.reduce(0, +))
    let whole = try IndexTypes.open(folders, [], work).index
    _ = try whole.search(Self.request(queries, 0..<4))
    _ = try whole.search(Self.request(queries, 4..<count))
    #expect(try figure(whole, "survivors_max") == sums.max())
    #expect(try figure(whole, "survivors_p50") == sums.sorted()[count / 2])
    #expect(sums.allSatisfy { $0 > 0 })
    #expect(whole.figures.count == 2)
  }

  /// Neither medians nor maxima of parts are added: each query has its own sum.
  @Test func sumsOfQueries() {
    var request = Self.request(Self.rows(3, seed: 9), 0..<3)
    let tally = SurvivorTally()
    request.survivors = tally
    let parts = [SurvivorCounts(), SurvivorCounts()]
    for (part, counts) in zip(parts, [[1, 9, 2], [8, 1, 2]]) {
      for (query, count) in counts.enumerated() { part.add(count, of: query, request) }
    }
    let whole = SurvivorCounts()
    whole.add(tally)
    #expect(parts.allSatisfy { $0.figures.isEmpty })
    #expect(whole.figures.map(\.value) == ["9", "10"])
  }
}
