import Failures
import Glibc
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

@Suite struct SparseIndexTests {
  private struct Rows {
    var rows: [SparseVector] = []

    init(_ file: TestSupport.SafeTensorsFile, _ name: String) throws {
      let offsets = try file.integers("\(name)_indptr").map(Int.init)
      let indices = try file.integers("\(name)_indices")
      let values = try file.floats("\(name)_values")
      for (start, end) in zip(offsets, offsets.dropFirst()) {
        // The reference does not sort a row's terms; the format does.
        let order = (start..<end).sorted { indices[$0] < indices[$1] }
        rows.append(
          SparseVector(indices: order.map { indices[$0] }, values: order.map { values[$0] }))
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
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .sparse, dimension: Self.terms, try Rows(inputs, "doc").records)
    try buildIndex(
      folder("i"), streams: [folder("s")], maxMemory: maxMemory)
    let index = try openIndex(folder("i"), threads: threads)
    let queries = try Rows(inputs, "query").rows
    let found = try index.search(
      SearchRequest(
        ids: queries.indices.map { Array("q\($0)".utf8) }, queries: .sparse(queries), k: 100))
    let scores = try expected.floats("all.scores")
    let indices = try expected.integers("all.indices")
    let positive = try expected.integers("n_positive")
    for (query, entries) in found.enumerated() {
      // An inverted index finds what shares a term with the query, and nothing else.
      #expect(entries.count == min(100, Int(positive[query])))
      let range = query * 100..<query * 100 + entries.count
      #expect(entries.map(\.ordinal) == Array(indices[range]))
      #expect(entries.map(\.score) == Array(scores[range]))
      let again = try index.scores(
        .sparse(queries), query, of: entries.map { Int($0.ordinal) })
      #expect(again == entries.map(\.score))
    }
  }

  /// However little memory there is, the index is the same bytes.
  @Test func memoryDoesNotChangeTheIndex() throws {
    let inputs = try Fixtures.tensors("search/sparse/inputs.safetensors")
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .sparse, dimension: Self.terms, try Rows(inputs, "doc").records)
    for memory in [1, 10_000, 1 << 30] {
      try buildIndex(
        folder("i\(memory)"), streams: [folder("s")], maxMemory: memory)
    }
    let whole = try contents(folder("i\(1 << 30)"))
    #expect(try contents(folder("i1")) == whole)
    #expect(try contents(folder("i10000")) == whole)
  }

  @Test func termsMustAscendAndFit() throws {
    let folder = try TemporaryFolder()
    for (name, indices) in [("order", [3, 1] as [Int32]), ("twice", [1, 1]), ("large", [1, 9])] {
      try writeStream(
        folder(name), .sparse, dimension: 5,
        [(Array("a".utf8), 2, [bytes(indices), bytes([Float(1), 2])])])
      #expect(
        status { try buildIndex(folder("i"), streams: [folder(name)]) }
          == .data)
    }
    #expect(status { _ = try IndexFolder(folder("i")) } == .noInput)
  }

  private static func index(_ folder: TemporaryFolder, _ value: Float) throws -> any RescoringIndex
  {
    try writeStream(
      folder("s"), .sparse, dimension: 5,
      [
        (Array("a".utf8), 1, [bytes([Int32(1)]), bytes([Float(1)])]),
        (Array("b".utf8), 2, [bytes([Int32(1), 2]), bytes([value, 1])]),
      ])
    try buildIndex(folder("i"), streams: [folder("s")])
    return try openIndex(folder("i"))
  }

  @Test func queriesThatMakeNoSense() throws {
    let folder = try TemporaryFolder()
    let index = try Self.index(folder, 1)
    let queries: [(indices: [Int32], values: [Float], status: Failures.ExitStatus)] = [
      ([2_000_000_000, 1], [1, 1], .data), ([-1, 1], [1, 1], .data), ([1, 1], [1, 1], .data),
      ([3, 1], [1, 1], .data), ([1], [.nan], .data), ([1], [-.infinity], .data),
      ([1, 5], [1, 1], .config),
    ]
    for query in queries {
      let vector = SparseVector(indices: query.indices, values: query.values)
      let found = status {
        _ = try index.search(
          SearchRequest(ids: [Array("q".utf8)], queries: .sparse([vector]), k: 5))
      }
      #expect(found == query.status)
      #expect(status { _ = try index.scores(.sparse([vector]), 0, of: [0]) } == query.status)
    }
  }

  @Test(arguments: [Float.greatestFiniteMagnitude, -.greatestFiniteMagnitude])
  func aScoreThatIsNoNumberIsAnError(value: Float) throws {
    let folder = try TemporaryFolder()
    let index = try Self.index(folder, value)
    let failure = #expect(throws: Failure.self) {
      try index.search(
        SearchRequest(
          ids: [Array("p".utf8), Array("q".utf8)],
          queries: .sparse([
            SparseVector(indices: [2], values: [1]), SparseVector(indices: [1], values: [4]),
          ]), k: 1)
      )
    }
    #expect(failure?.status == .data)
    #expect(
      failure?.message == "the score of document b for query q is not a finite number")
  }

  /// An index whose files say what no index says, under checksums that fit, is not joined.
  @Test func damagedVectorsAreNotMerged() throws {
    let folder = try TemporaryFolder()
    func status(
      _ name: String, _ tensor: String, _ type: ElementType, _ values: [UInt8]
    ) throws -> Failures.ExitStatus? {
      _ = try Self.index(folder, 1)
      return try Self.statusOfMerge(folder, name, tensor, type, values)
    }
    let good: [Int64] = [0, 1, 3]
    #expect(try status("vectors", "offsets", .i64, bytes(good)) == nil)
    for offsets in [[1, 1, 3], [0, 2, 1], [0, 1, .max], [0, 1, 2], [0, .min, 3]] as [[Int64]] {
      #expect(try status("vectors", "offsets", .i64, bytes(offsets)) == .data)
    }
    for terms in [[1, 1, 1], [1, 2, 1], [5, 1, 2], [1, 1, 5]] as [[UInt16]] {
      #expect(try status("vectors.terms", "terms", .u16, bytes(terms)) == .data)
    }
    #expect(try status("vectors.terms", "terms", .i32, bytes([1, 1, 2] as [Int32])) == .data)
    #expect(try status("vectors.weights", "weights", .f32, bytes([Float(1), .nan, 1])) == .data)
    // Good ones of other documents: the postings say so.
    #expect(try status("vectors.terms", "terms", .u16, bytes([2, 1, 2] as [UInt16])) == .data)
    #expect(try status("vectors.weights", "weights", .f32, bytes([Float(1), 2, 1])) == .data)
  }

  /// Status of joining an index with other numbers in a file.
  private static func statusOfMerge(
    _ folder: TemporaryFolder, _ name: String, _ tensor: String, _ type: ElementType,
    _ values: [UInt8]
  ) throws -> Failures.ExitStatus? {
    let header = SafeTensorsHeader.encode(
      metadata: [:], tensors: [(tensor, type, [values.count / type.size])])
    try replace(name, of: folder("i"), by: header + values)
    let index = try IndexFolder(folder("i"))
    return IndexesTests.status {
      _ = try IndexMerge([index], Sparse.self).run(
        to: folder("m"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    }
  }

  /// Postings that are none make an error, whichever of them a query meets.
  @Test func damagedPostingsAreAnError() throws {
    let folder = try TemporaryFolder()
    func status(_ name: String, _ tensor: String, _ type: ElementType, _ values: [UInt8]) throws
      -> Failures.ExitStatus?
    {
      _ = try Self.index(folder, 1)
      let header = SafeTensorsHeader.encode(
        metadata: [:], tensors: [(tensor, type, [values.count / type.size])])
      try replace(name, of: folder("i"), by: header + values)
      return IndexesTests.status {
        _ = try openIndex(folder("i")).search(
          SearchRequest(
            ids: [Array("q".utf8)],
            queries: .sparse([SparseVector(indices: [1, 2], values: [1, 1])]), k: 1))
      }
    }
    // Of 2 documents both have term 1 and one has term 2: headers and a code for each.
    let one = bytes([Float(1), 0, 0])
    let runs = one + [1, 1] + one + [0, 1]
    let starts: [Int64] = [0, 0, 14, 28, 28, 28]
    #expect(try status("postings", "postings", .u8, runs) == nil)
    #expect(try status("postings.starts", "starts", .i64, bytes(starts)) == nil)
    for starts in [
      [0, 0, 13, 28, 28, 28], [0, 0, 14, 28, 28, 27], [0, 14, 0, 28, 28, 28],
      [0, .min, 14, 28, 28, 28], [0, 0, .max, 28, 28, 28], [0, 0, 14, 28, 28],
    ] as [[Int64]] {
      #expect(try status("postings.starts", "starts", .i64, bytes(starts)) == .data)
    }
    for header in [[Float.nan, 0, 0], [1, -1, 0], [1, .infinity, 0], [1, 0, -1], [1, 0, .nan]] {
      #expect(
        try status("postings", "postings", .u8, bytes(header) + [1, 1] + one + [0, 1]) == .data)
    }
  }

  /// A copy of an index that release 0.1 wrote, under a manifest of today, which asks for the order of
  /// the documents' ids.
  private static func plainIndex(_ folder: TemporaryFolder) throws {
    let source = Fixtures.path("indexes/format-1/sparse.index")
    mkdir(folder("i"), 0o777)
    for name in try names(source) {
      try overwrite(folder("i/\(name)"), try WholeFile.read("\(source)/\(name)"))
    }
    try buildIndex(folder("n"), streams: [Fixtures.path("indexes/sparse.docs.lirt")])
    let order = "documents.order"
    let today = try IndexManifest(folder: folder("n"))
    let name = try #require(today.segments[0].files[order])
    var manifest = try IndexManifest(folder: folder("i"))
    manifest.segments[0].files[order] = name
    manifest.files += today.files.filter { $0.name == name }
    try overwrite(folder("i/\(name)"), try WholeFile.read(folder("n/\(name)")))
    try IndexesTests.write(folder("i/manifest.json"), manifest.json.indented() + "\n")
  }

  @Test func damagedPlainPostingsAreNotMerged() throws {
    let folder = try TemporaryFolder()
    func column<T: BitwiseCopyable>(_ file: IndexFile, _ type: T.Type) throws -> [T] {
      try Self.plainIndex(folder)
      let segment = try IndexFolder(folder("i")).segments[0]
      let column = try segment.column(file, as: type)
      return (0..<column.count).map { column[$0] }
    }
    func status<T>(
      _ file: IndexFile, _ values: [T], _ type: ElementType? = nil
    ) throws -> Failures.ExitStatus? {
      try Self.plainIndex(folder)
      return try Self.statusOfMerge(
        folder, file.name, file.tensor, type ?? file.types[0], bytes(values))
    }
    let files = Dictionary(uniqueKeysWithValues: Sparse.files.map { ($0.name, $0) })
    let (terms, documents, weights) = (
      try #require(files["terms"]), try #require(files["postings.documents"]),
      try #require(files["postings.weights"])
    )
    let offsets = try column(terms, Int64.self)
    #expect(try status(terms, offsets) == nil)
    for (place, value) in [(0, 1), (2, .max), (2, .min), (offsets.count - 1, 7)] {
      var changed = offsets
      changed[place] = Int64(value)
      #expect(try status(terms, changed) == .data, "offset \(place) is \(value)")
    }
    #expect(try status(terms, offsets.map { Int32($0) }, .i32) == .data)
    let ordinals = try column(documents, Int32.self)
    for value in [-1, 40, .max] as [Int32] {
      #expect(try status(documents, [value] + ordinals.dropFirst()) == .data)
    }
    var values = try column(weights, Float.self)
    values[1] = .nan
    #expect(try status(weights, values) == .data)
  }

  /// A vocabulary that is far larger than a window: what building keeps in memory is small.
  @Test(
    .enabled(
      if: getenv("ASAN_OPTIONS") == nil && getenv("TSAN_OPTIONS") == nil,
      "sanitizers take memory of their own"))
  func littleMemoryForAWideVocabulary() async throws {
    let folder = try TemporaryFolder()
    let dimension = 1 << 17
    try writeStream(
      folder("s"), .sparse, dimension: dimension,
      (0..<1500).map { row in
        let terms = [Int32(row * 7 % 1000), Int32(1000 + row * 13 % 60_000)]
        return (descendingID(row), 2, [bytes(terms), bytes([Float(row), 1])])
      })
    try buildIndex(folder("whole"), streams: [folder("s")])
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      try buildIndex(path + "/small", streams: [path + "/s"], maxMemory: 16 << 20)
      // In KiB.
      guard let peak = try peakMemory(), peak < 300 << 10 else { exit(1) }
    }
    #expect(try contents(folder("small")) == contents(folder("whole")))
  }

  @Test func aDocumentWithoutTermsIsNeverFound() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .sparse, dimension: 5,
      [
        (Array("a".utf8), 0, [[], []]),
        (Array("b".utf8), 1, [bytes([Int32(2)]), bytes([Float(3)])]),
      ])
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"))
    let found = try index.search(
      SearchRequest(
        ids: [Array("q".utf8)], queries: .sparse([SparseVector(indices: [2], values: [2])]), k: 5))
    #expect(found[0].map(\.ordinal) == [1])
    #expect(found[0].map(\.score) == [6])
  }
}
