import Failures
import IndexFormat
import Indexes
import Kernels
import Retrieval
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

@Suite struct CoilTests {
  private static let shape = VectorShape(cls: 5, width: 7, hasTokens: true)

  /// Every aggregation and similarity has the bits that re-ranking the same vectors has.
  @Test(arguments: VectorSample.allCases, Similarity.allCases)
  func bitsOfReranking(sample: VectorSample, similarity: Similarity) throws {
    let docs = sample.sets(70, Self.shape.width, seed: 1, cls: 5)
    var queries = sample.sets(34, Self.shape.width, seed: 2, cls: 5)
    // A token that no document has.
    queries[0].ids = queries[0].ids.map { _ in 5 }
    for query in Aggregation.allCases {
      for doc in Aggregation.allCases {
        let aggregations = Aggregations(query: query, doc: doc)
        let folder = try TemporaryFolder()
        try writeVectors(
          folder("s"), docs, Self.shape, similarity: similarity.rawValue,
          aggregation: aggregations.recorded)
        try buildIndex(folder("i"), streams: [folder("s")])
        let expected = try bruteForce(queries, docs, Self.shape, similarity, aggregations, k: 1000)
        let index = try openIndex(folder("i"), threads: 2)
        guard let expected else {
          #expect(status { _ = try searchVectors(index, queries, Self.shape, k: 1000) } == .data)
          continue
        }
        #expect(
          try searchVectors(index, queries, Self.shape, k: 1000) == expected,
          "\(aggregations)")
        for (query, entries) in expected.enumerated() {
          let scores = try index.scores(
            .vectors(queries, Self.shape), query, of: entries.reversed().map(\.ordinal))
          #expect(scores.map(\.bitPattern) == entries.reversed().map(\.bits))
        }
      }
    }
  }

  /// More documents than a window has.
  @Test func severalWindows() throws {
    let docs = VectorSample.grid.sets(2600, Self.shape.width, seed: 3, cls: 5)
    let queries = VectorSample.grid.sets(3, Self.shape.width, seed: 4, cls: 5)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, Self.shape)
    try buildIndex(folder("i"), streams: [folder("s")])
    let expected = try #require(
      try bruteForce(queries, docs, Self.shape, .dot, .usual, k: 40))
    for threads in [1, 3] {
      let index = try openIndex(folder("i"), threads: threads)
      #expect(try searchVectors(index, queries, Self.shape, k: 40) == expected)
    }
  }

  /// A build of many small blocks, and one of parts joined, have the bytes of one block.
  @Test func sameBytes() throws {
    let docs = VectorSample.mixed.sets(90, Self.shape.width, seed: 5, cls: 5)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, Self.shape)
    try buildIndex(folder("one"), streams: [folder("s")])
    let whole = try contents(folder("one"))
    try buildIndex(folder("small"), streams: [folder("s")], maxMemory: 1000)
    #expect(try contents(folder("small")) == whole)
    for (name, rows) in [("a", 0..<31), ("b", 31..<90)] {
      try writeVectors(folder(name), Array(docs[rows]), Self.shape, from: rows.lowerBound)
      try buildIndex(folder("\(name).index"), streams: [folder(name)])
    }
    let merge = try IndexMerge(
      ["a.index", "b.index"].map { try IndexFolder(folder($0)) }, Coil.self)
    _ = try merge.run(
      to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("merged")) == whole)
    try Coil.verify(IndexFolder(folder("merged")))
  }

  /// Postings that do not belong together are found under checksums that fit, and name no memory.
  @Test func damagedPostings() throws {
    let docs = VectorSample.grid.sets(20, Self.shape.width, seed: 6, cls: 5)
    let queries = VectorSample.grid.sets(3, Self.shape.width, seed: 7, cls: 5)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, Self.shape)
    for (file, value) in [
      ("postings.documents", bytes([Int32.max])), ("documents.tokens", bytes([Int32(99)])),
      ("tokens", bytes([Int32(-1)])), ("postings.offsets", bytes([Int64(1) << 40])),
    ] {
      try buildIndex(folder("i"), streams: [folder("s")])
      let name = String(try path(of: file, in: folder("i")).split(separator: "/").last ?? "")
      var content = try contents(folder("i"))[name] ?? []
      content.replaceSubrange((content.count - value.count)..., with: value)
      try replace(file, of: folder("i"), by: content)
      #expect(status { try Coil.verify(IndexFolder(folder("i"))) } == .data, "\(file)")
      _ = status { _ = try searchVectors(openIndex(folder("i")), queries, Self.shape, k: 3) }
    }
  }
}
