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

@Suite struct MultiVectorTests {
  /// The reference's vectors, cut into texts by their lengths.
  private static func sets(
    _ inputs: TestSupport.SafeTensorsFile, _ name: String, _ width: Int
  ) throws -> [VectorSet] {
    let values = try inputs.floats("\(name)_vectors")
    var start = 0
    return try inputs.integers("\(name)_lengths").map { length in
      defer { start += Int(length) * width }
      var set = VectorSet()
      set.values = Array(values[start..<start + Int(length) * width])
      return set
    }
  }

  /// NumPy's scores: on a grid they are exact, and ties come in the reference's order.
  @Test(arguments: [("maxsim", 0), ("maxsim_gauss", 4e-5)])
  func numbersOfTheReference(name: String, tolerance: Float) throws {
    let inputs = try Fixtures.tensors("search/\(name)/inputs.safetensors")
    let expected = try Fixtures.tensors("search/\(name)/expected.safetensors")
    let width = try inputs.tensor("doc_vectors").shape[1]
    let shape = VectorShape(width: width, hasTokens: false)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), Self.sets(inputs, "doc", width), shape)
    try buildIndex(folder("i"), streams: [folder("s")])
    let queries = try Self.sets(inputs, "query", width)
    let found = try searchVectors(openIndex(folder("i")), queries, shape, k: 100)
    let scores = try expected.floats("maxsim.scores")
    let indices = try expected.integers("maxsim.indices")
    #expect(found.map(\.count) == queries.map { _ in 100 })
    for (place, entry) in found.joined().enumerated() {
      #expect(abs(entry.score - scores[place]) <= tolerance)
      if Int(indices[place]) != entry.ordinal {
        let block = place / 100 * 100..<place / 100 * 100 + 100
        let other = block.first { Int(indices[$0]) == entry.ordinal }
        #expect(other.map { abs(scores[$0] - scores[place]) <= tolerance } ?? (place % 100 > 95))
      }
    }
  }

  /// Lightning IR's exact searcher starts its maxima from 0, and counts a query's vectors and one
  /// more for a mean: scores above 0 are ours but for that.
  @Test(arguments: [Aggregation.sum, .mean, .max])
  func scoresOfLightningIR(query: Aggregation) throws {
    let inputs = try Fixtures.tensors("search/maxsim/inputs.safetensors")
    let expected = try Fixtures.tensors("search/maxsim/expected.safetensors")
    let width = try inputs.tensor("doc_vectors").shape[1]
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = try Self.sets(inputs, "doc", width)
    let queries = try Self.sets(inputs, "query", width)
    let folder = try TemporaryFolder()
    try writeVectors(
      folder("s"), docs, shape, aggregation: Aggregations(query: query, doc: .max).recorded)
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try searchVectors(openIndex(folder("i")), queries, shape, k: docs.count)
    let scores = try expected.floats("lir.\(query.rawValue).scores")
    let indices = try expected.integers("lir.\(query.rawValue).indices")
    var compared = 0
    for (row, entries) in found.enumerated() {
      let vectors = Float(queries[row].values.count / width)
      for place in row * 100..<row * 100 + 100 {
        let ordinal = Int(indices[place])
        let own = try #require(entries.first { $0.ordinal == ordinal }).score
        guard Self.maxima(queries[row].values, docs[ordinal].values, width).allSatisfy({ $0 >= 0 })
        else { continue }
        compared += 1
        let theirs = query == .mean ? scores[place] * (vectors + 1) / vectors : scores[place]
        #expect((own - theirs).magnitude <= 1e-5 * (1 + own.magnitude))
      }
    }
    #expect(compared > 500)
  }

  /// The largest product of each of the query's vectors with the document's.
  private static func maxima(_ query: [Float], _ document: [Float], _ width: Int) -> [Float] {
    stride(from: 0, to: query.count, by: width).map { q in
      var most = -Float.infinity
      for d in stride(from: 0, to: document.count, by: width) {
        var sum: Float = 0
        for i in 0..<width { sum += query[q + i] * document[d + i] }
        most = Swift.max(most, sum)
      }
      return most
    }
  }

  /// Every aggregation and similarity has the bits that re-ranking the same vectors has.
  @Test(arguments: VectorSample.allCases, Similarity.allCases)
  func bitsOfReranking(sample: VectorSample, similarity: Similarity) throws {
    let (width, count) = (37, 70)
    let shape = VectorShape(width: width, hasTokens: true)
    let docs = sample.sets(count, width, seed: 1)
    let queries = sample.sets(8, width, seed: 2) + [docs[3], docs[10]]
    for query in Aggregation.allCases {
      for doc in Aggregation.allCases {
        let aggregations = Aggregations(query: query, doc: doc)
        let folder = try TemporaryFolder()
        try writeVectors(
          folder("s"), docs, shape, similarity: similarity.rawValue,
          aggregation: aggregations.recorded)
        try buildIndex(folder("i"), streams: [folder("s")])
        let expected = try bruteForce(queries, docs, shape, similarity, aggregations, k: 1000)
        let index = try openIndex(folder("i"), threads: 2)
        guard let expected else {
          #expect(status { _ = try searchVectors(index, queries, shape, k: 1000) } == .data)
          continue
        }
        #expect(
          try searchVectors(index, queries, shape, k: 1000) == expected, "\(aggregations)")
        #expect(
          try searchVectors(index, queries, shape, k: 3) == expected.map { Array($0.prefix(3)) })
      }
    }
  }

  /// A query that finds nothing, and documents without vectors, which nothing finds.
  @Test func textsWithoutVectors() throws {
    let shape = VectorShape(width: 2, hasTokens: false)
    var some = VectorSet()
    some.values = [1, 2]
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), [VectorSet(), some, VectorSet()], shape)
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"))
    let found = try searchVectors(index, [some, VectorSet()], shape, k: 5)
    #expect(found[0].map(\.ordinal) == [1])
    #expect(found[1].map(\.score) == [0, 0, 0])
  }

  @Test(arguments: [ElementType.f16, .bf16, .i8]) func storedTypes(type: ElementType) throws {
    let width = 24
    let shape = VectorShape(width: width, hasTokens: false)
    let codec = RowCodec(type, Kernels())
    var docs = VectorSample.gaussian.sets(90, width, seed: 3)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape, type)
    try buildIndex(folder("i"), streams: [folder("s")])
    // What is compared is what is stored.
    for document in docs.indices {
      for start in stride(from: 0, to: docs[document].values.count, by: width) {
        let (values, scale) = codec.encode(Array(docs[document].values[start..<start + width]))
        var row = [Float](repeating: 0, count: width)
        values.withUnsafeBytes { values in
          withUnsafeBytes(of: scale ?? 0) { scale in
            row.withUnsafeMutableBufferPointer {
              codec.decode(values, width: width, scales: scale, into: $0)
            }
          }
        }
        docs[document].values.replaceSubrange(start..<start + width, with: row)
      }
    }
    let queries = VectorSample.gaussian.sets(7, width, seed: 4)
    let expected = try #require(
      try bruteForce(queries, docs, shape, .dot, .usual, k: 20))
    #expect(try searchVectors(openIndex(folder("i")), queries, shape, k: 20) == expected)
  }

  @Test(arguments: InstructionSet.supported) func everyInstructionSet(_ isa: InstructionSet) throws
  {
    let width = 33
    let shape = VectorShape(width: width, hasTokens: false)
    let docs = VectorSample.mixed.sets(120, width, seed: 5)
    let queries = VectorSample.gaussian.sets(90, width, seed: 6)
    let folder = try TemporaryFolder()
    try writeVectors(folder("s"), docs, shape)
    try buildIndex(folder("i"), streams: [folder("s")])
    let expected = try #require(try bruteForce(queries, docs, shape, .dot, .usual, k: 9))
    #expect(
      try searchVectors(openIndex(folder("i"), isa), queries, shape, k: 9) == expected)
  }

  @Test func refusals() throws {
    let shape = VectorShape(width: 2, hasTokens: false)
    var some = VectorSet()
    some.values = [1, .nan]
    let folder = try TemporaryFolder()
    try writeVectors(folder("nan"), [some], shape)
    #expect(status { try buildIndex(folder("i"), streams: [folder("nan")]) } == .data)
    try writeVectors(folder("s"), [VectorSet()], shape, aggregation: "sum,median")
    #expect(status { try buildIndex(folder("i"), streams: [folder("s")]) } == .config)
    some.values = [1, 2]
    try writeVectors(folder("s"), [some], shape)
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"))
    some.values = [1, .infinity]
    #expect(status { _ = try searchVectors(index, [some], shape, k: 1) } == .data)
    let other = VectorShape(width: 1, hasTokens: false)
    #expect(status { _ = try searchVectors(index, [some], other, k: 1) } == .config)
    // Offsets that lead out of the file.
    var content =
      try contents(folder("i"))[
        String(try path(of: "vectors.offsets", in: folder("i")).split(separator: "/").last ?? "")]
      ?? []
    content.replaceSubrange((content.count - 16)..<(content.count - 8), with: bytes([Int64(-5)]))
    try replace("vectors.offsets", of: folder("i"), by: content)
    #expect(status { try MultiVector.verify(IndexFolder(folder("i"))) } == .data)
  }
}
