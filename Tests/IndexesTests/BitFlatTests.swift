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

/// A flat index with codes of one bit a number.
@Suite struct BitFlatTests {
  private static let bits: [IndexArguments.Given] = [("codes", "b1")]

  private static func write(
    _ documents: [Float], _ dimension: Int, _ similarity: String, to path: String, first: Int = 0
  ) throws {
    try writeStream(
      path, .dense(.f32, dimension: dimension), dimension: dimension, similarity: similarity,
      (0..<documents.count / dimension).map { row in
        (
          descendingID(first + row), 1,
          [bytes(Array(documents[row * dimension..<(row + 1) * dimension]))]
        )
      })
  }

  private static func search(
    _ index: any SearchableIndex, _ queries: [Float], _ dimension: Int, k: Int
  ) throws -> [[TopDocuments.Entry]] {
    try index.search(
      SearchRequest(
        ids: (0..<queries.count / dimension).map { Array("q\($0)".utf8) },
        queries: .dense(queries, dimension: dimension), k: k))
  }

  /// With all documents rescored the result is that of the vectors, whatever they are.
  @Test(arguments: CodedFlatTests.Hard.allCases, ["dot", "cosine", "l2"])
  func allRescored(hard: CodedFlatTests.Hard, similarity: String) throws {
    for (dimension, count) in [(1, 40), (70, 300)] {
      let folder = try TemporaryFolder()
      try Self.write(
        hard.vectors(count, dimension, seed: 1), dimension, similarity, to: folder("s"))
      try buildIndex(folder("plain"), streams: [folder("s")])
      try buildIndex(folder("bits"), streams: [folder("s")], given: Self.bits)
      let asked = hard.vectors(7, dimension, seed: 2)
      let plain = try openIndex(folder("plain"))
      let coded = try openIndex(folder("bits"), given: [("oversample", "300")], threads: 2)
      guard let expected = try? Self.search(plain, asked, dimension, k: 5) else {
        #expect(status { _ = try Self.search(coded, asked, dimension, k: 5) } == .data)
        continue
      }
      #expect(try Self.search(coded, asked, dimension, k: 5) == expected)
      let exact = try openIndex(folder("bits"), given: [("exact", "true")])
      #expect(try Self.search(exact, asked, dimension, k: 5) == expected)
    }
  }

  /// More documents are never worse, and ten for each find most, even of vectors without any structure.
  @Test(arguments: ["dot", "cosine", "l2"]) func recall(similarity: String) throws {
    let (dimension, count, k) = (128, 3000, 10)
    let folder = try TemporaryFolder()
    let documents = CodedFlatTests.Hard.gaussian.vectors(count, dimension, seed: 3)
    try Self.write(documents, dimension, similarity, to: folder("s"))
    try buildIndex(folder("bits"), streams: [folder("s")], given: Self.bits)
    // Queries near documents, as those of a trained model are.
    let noise = CodedFlatTests.Hard.gaussian.vectors(30, dimension, seed: 4)
    let asked = zip(documents, noise).map { $0 + $1 }
    let expected = try Self.search(
      openIndex(folder("bits"), given: [("exact", "true")]), asked, dimension, k: k)
    func recall(_ given: [IndexArguments.Given]) throws -> Double {
      let found = try Self.search(openIndex(folder("bits"), given: given), asked, dimension, k: k)
      let shared = zip(found, expected).map { found, expected in
        Set(found.map(\.ordinal)).intersection(expected.map(\.ordinal)).count
      }
      return Double(shared.reduce(0, +)) / Double(k * expected.count)
    }
    let shares = try ["1", "3", "10", "40"].map { try recall([("oversample", $0)]) }
    #expect(shares == shares.sorted())
    #expect(try recall([]) == shares[2])
    #expect(shares[2] > 0.7 && shares[3] > 0.93, "\(shares)")
    #expect(try recall([("approximate", "true")]) == shares[0])
  }

  /// Estimates of given documents are those of a search, and near the scores.
  @Test(arguments: ["dot", "cosine", "l2"]) func withoutOriginals(similarity: String) throws {
    let (dimension, count) = (200, 150)
    let folder = try TemporaryFolder()
    let documents = CodedFlatTests.Hard.gaussian.vectors(count, dimension, seed: 5)
    try Self.write(documents, dimension, similarity, to: folder("s"))
    try buildIndex(
      folder("i"), streams: [folder("s")], given: Self.bits + [("originals", "none")])
    let index = try openIndex(folder("i"))
    let asked = CodedFlatTests.Hard.gaussian.vectors(4, dimension, seed: 6)
    let found = try Self.search(index, asked, dimension, k: count)
    for (query, entries) in found.enumerated() {
      let scores = try index.scores(
        .dense(asked, dimension: dimension), query, of: entries.map { Int($0.ordinal) })
      #expect(scores == entries.map(\.score))
      #expect(entries == entries.sorted(by: >))
    }
    for option in ["exact", "oversample"] {
      #expect(
        status {
          _ = try openIndex(folder("i"), given: [(option, option == "exact" ? "true" : "2")])
        } == .config)
    }
    #expect(
      status {
        let merge = try IndexMerge([IndexFolder(folder("i"))], Flat.self)
        _ = try merge.run(
          to: folder("m"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
      } == .config)
  }

  /// The centre is that of all documents, so that indexes that are joined are one build, and threads
  /// change nothing.
  @Test(arguments: [1, 31, 32, 40]) func sameBytes(first: Int) throws {
    let (dimension, count) = (20, 90)
    let documents = CodedFlatTests.Hard.mixed.vectors(count, dimension, seed: 7)
    let folder = try TemporaryFolder()
    try Self.write(documents, dimension, "cosine", to: folder("s"))
    try buildIndex(folder("one"), streams: [folder("s")], given: Self.bits)
    try buildIndex(folder("two"), streams: [folder("s")], given: Self.bits, threads: 2)
    #expect(try contents(folder("one")) == contents(folder("two")))
    for (name, rows) in [("a", 0..<first), ("b", first..<count)] {
      try Self.write(
        Array(documents[rows.lowerBound * dimension..<rows.upperBound * dimension]), dimension,
        "cosine", to: folder(name), first: rows.lowerBound)
      try buildIndex(folder("\(name).index"), streams: [folder(name)], given: Self.bits)
    }
    let merge = try IndexMerge(
      ["a.index", "b.index"].map { try IndexFolder(folder($0)) }, Flat.self)
    _ = try merge.run(to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("merged")) == contents(folder("one")))
    try Flat.verify(IndexFolder(folder("merged")))
  }
}
