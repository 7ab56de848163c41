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

/// A multi-vector index with codes against one without: scores and order must be the same bits.
@Suite struct CodedMultiVectorTests {
  @Test(arguments: VectorSample.allCases, Similarity.allCases)
  func bitsOfTheVectors(sample: VectorSample, similarity: Similarity) throws {
    for (width, count) in [(1, 40), (33, 260)] {
      let shape = VectorShape(width: width, hasTokens: false)
      let docs = sample.sets(count, width, seed: 1)
      let queries = sample.sets(9, width, seed: 2) + [docs[3], docs[8]]
      for query in Aggregation.allCases {
        let folder = try TemporaryFolder()
        try writeVectors(
          folder("s"), docs, shape, similarity: similarity.rawValue,
          aggregation: Aggregations(query: query, doc: .max).recorded)
        try buildIndex(folder("plain"), streams: [folder("s")])
        try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
        let plain = try openIndex(folder("plain"))
        for k in [1, 30, 999] {
          let coded = try openIndex(folder("coded"), threads: 1 + k % 2)
          // Scores of huge vectors may overflow, which is an error in both.
          guard let expected = try? searchVectors(plain, queries, shape, k: k) else {
            #expect(status { _ = try searchVectors(coded, queries, shape, k: k) } == .data)
            continue
          }
          #expect(
            try searchVectors(coded, queries, shape, k: k) == expected, "\(width), \(query), k \(k)"
          )
        }
      }
    }
  }

  /// Bounds exclude most documents, and what they leave does not depend on the threads.
  @Test func survivors() throws {
    let width = 64
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = VectorSample.gaussian.sets(700, width, seed: 3)
    let queries = VectorSample.gaussian.sets(6, width, seed: 4)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape)
    try buildIndex(folder("i"), streams: [folder("s")], given: [("codes", "int8")])
    var figures: [[String]] = []
    for threads in [1, 3] {
      let index = try openIndex(folder("i"), threads: threads)
      _ = try searchVectors(index, queries, shape, k: 5)
      figures.append(index.figures.map { "\($0.name) \($0.value)" })
      let most = try #require(index.figures.first { $0.name == "survivors_max" })
      #expect((5...200).contains(Int(most.value) ?? 0), "\(most.value)")
    }
    #expect(figures[0] == figures[1])
  }

  @Test(arguments: InstructionSet.supported) func everyInstructionSet(_ isa: InstructionSet) throws
  {
    let width = 40
    let shape = VectorShape(width: width, hasTokens: false)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), VectorSample.mixed.sets(500, width, seed: 5), shape)
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    let queries = VectorSample.gaussian.sets(90, width, seed: 6)
    #expect(
      try searchVectors(openIndex(folder("coded"), isa), queries, shape, k: 7)
        == searchVectors(openIndex(folder("plain")), queries, shape, k: 7))
  }

  @Test(arguments: [ElementType.f16, .bf16, .i8], [nil, "2"])
  func storedTypes(type: ElementType, factor: String?) throws {
    let width = 24
    let shape = VectorShape(width: width, hasTokens: false)
    let folder = try TemporaryFolder()
    try writeVectors(
      folder("s"), VectorSample.gaussian.sets(300, width, seed: 7), shape, type,
      similarity: "cosine")
    let pooling: [IndexArguments.Given] = factor.map { [("pool-factor", $0)] } ?? []
    try buildIndex(folder("plain"), streams: [folder("s")], given: pooling)
    try buildIndex(folder("coded"), streams: [folder("s")], given: pooling + [("codes", "int8")])
    let queries = VectorSample.gaussian.sets(9, width, seed: 8)
    let expected = try searchVectors(openIndex(folder("plain")), queries, shape, k: 20)
    #expect(try searchVectors(openIndex(folder("coded")), queries, shape, k: 20) == expected)
    try MultiVector.verify(IndexFolder(folder("coded")))
  }

  /// Without originals the codes are the vectors: what a stream of the decoded rows gives.
  @Test(arguments: Similarity.allCases) func withoutOriginals(similarity: Similarity) throws {
    let width = 24
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = VectorSample.mixed.sets(300, width, seed: 9)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape, similarity: similarity.rawValue)
    try buildIndex(
      folder("coded"), streams: [folder("s")], given: [("codes", "int8"), ("originals", "none")])
    let decoded = docs.map { set in
      var set = set
      var rows: [Float] = []
      for start in stride(from: 0, to: set.values.count, by: width) {
        var row = Array(set.values[start..<start + width])
        if similarity == .cosine {
          DenseComparison.bringToUnitLength(&row, dimension: width, Kernels())
        }
        let code = row.withUnsafeBufferPointer { ByteCode($0) }
        rows += code.codes.map { Float($0) * code.scale }
      }
      set.values = rows
      return set
    }
    try writeVectors(folder("d"), decoded, shape, similarity: similarity.rawValue)
    try buildIndex(folder("plain"), streams: [folder("d")])
    let queries = VectorSample.mixed.sets(9, width, seed: 10)
    #expect(
      try searchVectors(openIndex(folder("coded")), queries, shape, k: 20)
        == searchVectors(openIndex(folder("plain")), queries, shape, k: 20))
    #expect(
      status { _ = try openIndex(folder("coded"), given: [("exact", "true")]) } == .config)
    try MultiVector.verify(IndexFolder(folder("coded")))
  }

  /// Without the proof a score is off by what both codes are, for each vector of the query: a code of
  /// such vectors by some 0.005 of their length.
  @Test(arguments: Similarity.allCases) func approximateScores(similarity: Similarity) throws {
    let width = 48
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = VectorSample.gaussian.sets(200, width, seed: 11)
    let queries = VectorSample.gaussian.sets(5, width, seed: 12)
    func longest(_ sets: [VectorSet]) -> Float {
      var most: Float = 0
      for set in sets {
        for start in stride(from: 0, to: set.values.count, by: width) {
          let square = set.values[start..<start + width].reduce(Float(0)) { $0 + $1 * $1 }
          most = Swift.max(most, square.squareRoot())
        }
      }
      return most
    }
    let (q, x) = (longest(queries), longest(docs))
    let size: Float =
      switch similarity {
      case .dot: q * x
      case .cosine: 1
      // (d + δ)² is off by twice the product's error, and a distance of such vectors is not small.
      case .l2: q + x
      }
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape, similarity: similarity.rawValue)
    try buildIndex(folder("i"), streams: [folder("s")], given: [("codes", "int8")])
    let exact = try searchVectors(
      openIndex(folder("i"), given: [("exact", "true")]), queries, shape, k: 200)
    let near = try searchVectors(
      openIndex(folder("i"), given: [("approximate", "true")]), queries, shape, k: 200)
    #expect(near != exact)
    for (query, (a, b)) in zip(near, exact).enumerated() {
      let scores = Dictionary(uniqueKeysWithValues: b.map { ($0.ordinal, $0.score) })
      let tolerance = Float(queries[query].values.count / width) * 0.012 * size
      for hit in a {
        let score = try #require(scores[hit.ordinal])
        #expect((hit.score - score).magnitude <= tolerance, "query \(query)")
      }
    }
  }

  /// Two parts joined have the bytes of one build, also with two threads.
  @Test func sameBytes() throws {
    let width = 20
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = VectorSample.mixed.sets(90, width, seed: 13)
    let given: [IndexArguments.Given] = [("codes", "int8"), ("pool-factor", "2")]
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape)
    try buildIndex(folder("one"), streams: [folder("s")], given: given)
    try buildIndex(folder("two"), streams: [folder("s")], given: given, threads: 2)
    #expect(try contents(folder("one")) == contents(folder("two")))
    for (name, rows) in [("a", 0..<40), ("b", 40..<90)] {
      try writeVectors(folder(name), Array(docs[rows]), shape, from: rows.lowerBound)
      try buildIndex(folder("\(name).index"), streams: [folder(name)], given: given)
    }
    let merge = try IndexMerge(
      ["a.index", "b.index"].map { try IndexFolder(folder($0)) }, MultiVector.self)
    _ = try merge.run(
      to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("merged")) == contents(folder("one")))
    try MultiVector.verify(IndexFolder(folder("merged")))
  }

  @Test func refusals() throws {
    let shape = VectorShape(width: 2, hasTokens: false)
    let docs = VectorSample.gaussian.sets(3, 2, seed: 14)
    let folder = try TemporaryFolder()
    try writeVectors(folder("mean"), docs, shape, aggregation: "sum,mean")
    let coded: [IndexArguments.Given] = [("codes", "int8")]
    #expect(
      status { try buildIndex(folder("i"), streams: [folder("mean")], given: coded) } == .usage)
    try writeVectors(folder("s"), docs, shape)
    #expect(
      status {
        try buildIndex(folder("i"), streams: [folder("s")], given: [("originals", "keep")])
      } == .usage)
    try buildIndex(folder("plain"), streams: [folder("s")])
    #expect(
      status { _ = try openIndex(folder("plain"), given: [("approximate", "true")]) } == .usage)
    try buildIndex(folder("coded"), streams: [folder("s")], given: coded)
    #expect(
      status {
        _ = try openIndex(folder("coded"), given: [("approximate", "true"), ("exact", "true")])
      } == .usage)
    // Numbers that no code has, under checksums that fit.
    let errors = try path(of: "codes.errors", in: folder("coded"))
    var content =
      try contents(folder("coded"))[String(errors.split(separator: "/").last ?? "")] ?? []
    content.replaceSubrange((content.count - 4)..., with: bytes([-Float.infinity]))
    try replace("codes.errors", of: folder("coded"), by: content)
    #expect(status { try MultiVector.verify(IndexFolder(folder("coded"))) } == .data)
  }
}
