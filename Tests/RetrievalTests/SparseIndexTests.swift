import Failures
import IndexFormat
import Kernels
import Retrieval
import Tensors
import TestSupport
import Testing
import Workers

@Suite struct SparseIndexTests {
  private struct Rows {
    var rows: [(indices: [Int32], values: [Float])] = []

    init(_ file: TestSupport.SafeTensorsFile, _ name: String) throws {
      let offsets = try file.integers("\(name)_indptr").map(Int.init)
      let indices = try file.integers("\(name)_indices")
      let values = try file.floats("\(name)_values")
      for (start, end) in zip(offsets, offsets.dropFirst()) {
        // The reference does not sort a row's terms; the format does.
        let order = (start..<end).sorted { indices[$0] < indices[$1] }
        rows.append((order.map { indices[$0] }, order.map { values[$0] }))
      }
    }

    var records: [(id: [UInt8], items: Int, columns: [[UInt8]])] {
      rows.enumerated().map { row, terms in
        (descendingID(row), terms.indices.count, [bytes(terms.indices), bytes(terms.values)])
      }
    }
  }

  private static let terms = 600

  /// Values are multiples of 1/16, so all sums are exact and ties real.
  @Test(arguments: [1, 3], [1 << 30, 4096])
  func equalsTheReference(threads: Int, maxMemory: Int) throws {
    let inputs = try Fixtures.tensors("search/sparse/inputs.safetensors")
    let expected = try Fixtures.tensors("search/sparse/expected.safetensors")
    let folder = TemporaryFolder()
    try writeStream(
      folder.file("s"), .sparse, dimension: Self.terms, try Rows(inputs, "doc").records)
    try buildIndex(
      folder.file("i"), streams: [folder.file("s")], kind: .sparse, maxMemory: maxMemory)
    let index = try SparseIndex(
      try IndexFolder(folder.file("i")), WorkerPool(threads: threads))
    let queries = try Rows(inputs, "query").rows
    let found = try index.search(
      SearchRequest(
        ids: queries.indices.map { Array("q\($0)".utf8) }, vectors: .sparse(queries), k: 100))
    let scores = try expected.floats("all.scores")
    let indices = try expected.integers("all.indices")
    let positive = try expected.integers("n_positive")
    for (query, entries) in found.enumerated() {
      // An inverted index finds what shares a term with the query, and nothing else.
      #expect(entries.count == min(100, Int(positive[query])))
      let range = query * 100..<query * 100 + entries.count
      #expect(entries.map(\.ordinal) == Array(indices[range]))
      #expect(entries.map(\.score) == Array(scores[range]))
      let again = try index.scores(queries[query], ordinals: entries.map { Int($0.ordinal) })
      #expect(again == entries.map(\.score))
    }
  }

  /// However little memory there is, the index is the same bytes.
  @Test func memoryDoesNotChangeTheIndex() throws {
    let inputs = try Fixtures.tensors("search/sparse/inputs.safetensors")
    let folder = TemporaryFolder()
    try writeStream(
      folder.file("s"), .sparse, dimension: Self.terms, try Rows(inputs, "doc").records)
    for memory in [1, 10_000, 1 << 30] {
      try buildIndex(
        folder.file("i\(memory)"), streams: [folder.file("s")], kind: .sparse, maxMemory: memory)
    }
    let whole = try contents(folder.file("i\(1 << 30)"))
    #expect(try contents(folder.file("i1")) == whole)
    #expect(try contents(folder.file("i10000")) == whole)
  }

  @Test func termsMustAscendAndFit() throws {
    let folder = TemporaryFolder()
    for (name, indices) in [("order", [3, 1] as [Int32]), ("twice", [1, 1]), ("large", [1, 9])] {
      try writeStream(
        folder.file(name), .sparse, dimension: 5,
        [(Array("a".utf8), 2, [bytes(indices), bytes([Float(1), 2])])])
      #expect(
        status { try buildIndex(folder.file("i"), streams: [folder.file(name)], kind: .sparse) }
          == .data)
    }
    #expect(status { _ = try IndexFolder(folder.file("i")) } == .noInput)
  }

  private static func index(_ folder: TemporaryFolder, _ value: Float) throws -> SparseIndex {
    try writeStream(
      folder.file("s"), .sparse, dimension: 5,
      [
        (Array("a".utf8), 1, [bytes([Int32(1)]), bytes([Float(1)])]),
        (Array("b".utf8), 2, [bytes([Int32(1), 2]), bytes([value, 1])]),
      ])
    try buildIndex(folder.file("i"), streams: [folder.file("s")], kind: .sparse)
    return try SparseIndex(try IndexFolder(folder.file("i")), WorkerPool(threads: 1))
  }

  @Test func queriesThatMakeNoSense() throws {
    let folder = TemporaryFolder()
    let index = try Self.index(folder, 1)
    let queries: [(indices: [Int32], values: [Float], status: Failures.ExitStatus)] = [
      ([2_000_000_000, 1], [1, 1], .data), ([-1, 1], [1, 1], .data), ([1, 1], [1, 1], .data),
      ([3, 1], [1, 1], .data), ([1], [.nan], .data), ([1], [-.infinity], .data),
      ([1, 5], [1, 1], .config),
    ]
    for query in queries {
      let vector = (indices: query.indices, values: query.values)
      let found = status {
        _ = try index.search(
          SearchRequest(ids: [Array("q".utf8)], vectors: .sparse([vector]), k: 5))
      }
      #expect(found == query.status)
      #expect(status { _ = try index.scores(vector, ordinals: [0]) } == query.status)
    }
  }

  @Test(arguments: [Float.greatestFiniteMagnitude, -.greatestFiniteMagnitude])
  func aScoreThatIsNoNumberIsAnError(value: Float) throws {
    let folder = TemporaryFolder()
    let index = try Self.index(folder, value)
    let failure = #expect(throws: Failure.self) {
      try index.search(
        SearchRequest(
          ids: [Array("p".utf8), Array("q".utf8)], vectors: .sparse([([2], [1]), ([1], [4])]), k: 1)
      )
    }
    #expect(failure?.status == .data)
    #expect(
      failure?.message == "the score of document b for query q is not a finite number")
  }

  @Test func aDocumentWithoutTermsIsNeverFound() throws {
    let folder = TemporaryFolder()
    try writeStream(
      folder.file("s"), .sparse, dimension: 5,
      [
        (Array("a".utf8), 0, [[], []]),
        (Array("b".utf8), 1, [bytes([Int32(2)]), bytes([Float(3)])]),
      ])
    try buildIndex(folder.file("i"), streams: [folder.file("s")], kind: .sparse)
    let index = try SparseIndex(try IndexFolder(folder.file("i")), WorkerPool(threads: 1))
    let found = try index.search(
      SearchRequest(ids: [Array("q".utf8)], vectors: .sparse([([2], [2])]), k: 5))
    #expect(found[0].map(\.ordinal) == [1])
    #expect(found[0].map(\.score) == [6])
  }
}
