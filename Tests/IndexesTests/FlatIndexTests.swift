import Failures
import IndexFormat
import Kernels
import Retrieval
import Streams
import Tensors
import TestSupport
import Testing
import Vectors
import Workers

@Suite struct FlatIndexTests {
  private static func search(
    _ folder: String, _ queries: [Float], _ dimension: Int, k: Int, threads: Int = 1,
    _ change: (inout SearchRequest, any SearchableIndex) throws -> Void = { _, _ in }
  ) throws -> [[TopDocuments.Entry]] {
    let index = try openIndex(folder, threads: threads)
    let count = queries.count / dimension
    var request = SearchRequest(
      ids: (0..<count).map { Array("q\($0)".utf8) },
      queries: .dense(queries, dimension: dimension), k: k)
    try change(&request, index)
    return try index.search(request)
  }

  /// Scores on a grid are exact, so the order of ties must be the reference's to the last place.
  @Test(arguments: [1, 2, 3])
  func exactTies(threads: Int) throws {
    let inputs = try Fixtures.tensors("search/dense_grid_ties/inputs.safetensors")
    let expected = try Fixtures.tensors("search/dense_grid_ties/expected.safetensors")
    let folder = try TemporaryFolder()
    let dimension = try inputs.tensor("docs").shape[1]
    try writeStream(
      folder("s"), .dense(.f32, dimension: dimension), dimension: dimension,
      denseRecords(try inputs.floats("docs"), dimension))
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try Self.search(
      folder("i"), try inputs.floats("queries"), dimension, k: 100, threads: threads)
    #expect(found.flatMap { $0.map(\.ordinal) } == (try expected.integers("dot.indices")))
    #expect(found.flatMap { $0.map(\.score) } == (try expected.floats("dot.scores")))
  }

  /// The reference's scores were computed in double precision; ours differ by single precision's
  /// rounding over 64 terms, and neighbours that close may change places.
  @Test(arguments: ["dot", "cosine"])
  func gaussianVectors(similarity: String) throws {
    let inputs = try Fixtures.tensors("search/dense_gauss/inputs.safetensors")
    let expected = try Fixtures.tensors("search/dense_gauss/expected.safetensors")
    let folder = try TemporaryFolder()
    let dimension = try inputs.tensor("docs").shape[1]
    try writeStream(
      folder("s"), .dense(.f32, dimension: dimension), dimension: dimension,
      similarity: similarity, denseRecords(try inputs.floats("docs"), dimension))
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try Self.search(
      folder("i"), try inputs.floats("queries"), dimension, k: 100)
    let scores = try expected.floats("\(similarity).scores")
    let indices = try expected.integers("\(similarity).indices")
    for (query, entries) in found.enumerated() {
      for (place, entry) in entries.enumerated() {
        let wanted = query * 100 + place
        #expect(abs(entry.score - scores[wanted]) <= 2e-5)
        if entry.ordinal != indices[wanted] {
          let other = (query * 100..<query * 100 + 100).first { indices[$0] == entry.ordinal }
          #expect(other.map { abs(scores[$0] - scores[wanted]) < 1e-4 } ?? (place > 95))
        }
      }
    }
  }

  @Test func l2IsTheNegativeDistance() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 2), dimension: 2, similarity: "l2",
      denseRecords([3, 4, 0, 0, 1, 0], 2))
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try Self.search(folder("i"), [0, 0], 2, k: 3)
    #expect(found[0].map(\.ordinal) == [1, 2, 0])
    #expect(found[0].map(\.score) == [0, -1, -5])
  }

  /// Half precision and int8 hold these values exactly, so the scores are those of the values.
  @Test(arguments: [ElementType.f16, .bf16, .i8])
  func storedTypes(type: ElementType) throws {
    let values: [Float] = [1, -2, 0.5, 4, -8, 16]
    let folder = try TemporaryFolder()
    let records = (0..<3).map { row -> (id: [UInt8], items: Int, columns: [[UInt8]]) in
      let pair = Array(values[2 * row..<2 * row + 2])
      switch type {
      case .f16: return (descendingID(row), 1, [bytes(pair.map { Float16($0).bitPattern })])
      case .bf16:
        return (descendingID(row), 1, [bytes(pair.map { UInt16($0.bitPattern >> 16) })])
      default:
        return (descendingID(row), 1, [bytes(pair.map { Int8($0 * 2) }), bytes([Float(0.5)])])
      }
    }
    try writeStream(folder("s"), .dense(type, dimension: 2), dimension: 2, records)
    try buildIndex(folder("i"), streams: [folder("s")])
    let found = try Self.search(folder("i"), [1, 10], 2, k: 3)
    #expect(found[0].map(\.score) == [152, 40.5, -19])
    #expect(found[0].map(\.ordinal) == [2, 1, 0])
  }

  /// A header that ends at an odd byte: the values are not where a number may lie.
  @Test(arguments: [ElementType.f32, .f16, .bf16])
  func unalignedValues(type: ElementType) throws {
    let folder = try TemporaryFolder()
    let values: [Float] = [1, -2, 0.5, 4, -8, 16]
    let stored: [[UInt8]] = values.map { value in
      switch type {
      case .f16: bytes([Float16(value).bitPattern])
      case .bf16: bytes([UInt16(value.bitPattern >> 16)])
      default: bytes([value])
      }
    }
    try writeStream(
      folder("s"), .dense(type, dimension: 2), dimension: 2,
      (0..<3).map { (descendingID($0), 1, [stored[2 * $0] + stored[2 * $0 + 1]]) })
    try buildIndex(folder("i"), streams: [folder("s")])
    var file = try WholeFile.read(try path(of: "vectors", in: folder("i")))
    let length = Int(file[0]) | Int(file[1]) << 8
    file.insert(UInt8(ascii: " "), at: 8 + length)
    file.replaceSubrange(0..<2, with: [UInt8((length + 1) & 255), UInt8((length + 1) >> 8)])
    try replace("vectors", of: folder("i"), by: file)
    try IndexFolder(folder("i")).verify()
    let found = try Self.search(folder("i"), [1, 10], 2, k: 3)
    #expect(found[0].map(\.score) == [152, 40.5, -19])
  }

  @Test func filtersAndOwnDocumentsAreLeftOutBeforeTheBestAreChosen() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1, denseRecords([5, 4, 3, 2, 1], 1))
    try buildIndex(folder("i"), streams: [folder("s")])
    func id(_ ordinal: Int) -> String { String(decoding: descendingID(ordinal), as: UTF8.self) }

    try write(folder("all"), "\(id(1))\n\(id(3))\nunknown\n")
    let shared = try Self.search(folder("i"), [1], 1, k: 1) { request, index in
      request.filter = try DocumentFilter(folder("all"), index.documents)
      #expect(request.filter?.unknown == 1)
    }
    #expect(shared[0].map(\.ordinal) == [1])

    try write(folder("each"), "q0\t\(id(4))\nq9\t\(id(0))\n")
    let each = try Self.search(folder("i"), [1, 1], 1, k: 5) { request, index in
      request.filter = try DocumentFilter(folder("each"), index.documents)
    }
    #expect(each.map { $0.map(\.ordinal) } == [[4], []])

    // In any order, and more than once.
    let order = [4, 0, 3, 0, 4].map { "q0\t\(id($0))\n" }.joined()
    try write(folder("order"), order + "q1\tunknown\n")
    let several = try Self.search(folder("i"), [1, 1], 1, k: 5) { request, index in
      request.filter = try DocumentFilter(folder("order"), index.documents)
    }
    #expect(several.map { $0.map(\.ordinal) } == [[0, 3, 4], []])

    let own = try Self.search(folder("i"), [1], 1, k: 2) { request, _ in
      request.ids = [descendingID(0)]
      request.dropsSelf = true
    }
    #expect(own[0].map(\.ordinal) == [1, 2])
    try write(folder("bad"), "a\tb\tc\n")
    let table = try openIndex(folder("i")).documents
    #expect(status { _ = try DocumentFilter(folder("bad"), table) } == .data)
  }

  /// Filters of single queries take memory for their lines, not for the index's documents.
  @Test func filtersOfQueriesAreSmall() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1,
      denseRecords((0..<5000).map { Float($0) }, 1))
    try buildIndex(folder("i"), streams: [folder("s")])
    let table = try openIndex(folder("i")).documents
    let ids = [7, 4999, 0].map { String(decoding: descendingID($0), as: UTF8.self) }
    try write(folder("f"), ids.map { "q\t\($0)\n" }.joined())
    let mask = try DocumentFilter(folder("f"), table).mask(Array("q".utf8))
    #expect((0..<5000).filter(mask.contains) == [0, 7, 4999])
    #expect(mask.size == 3 * 4)
  }

  @Test func moreThanThereAre() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1, denseRecords([1, 2], 1))
    try buildIndex(folder("i"), streams: [folder("s")])
    #expect(try Self.search(folder("i"), [1], 1, k: 10)[0].map(\.ordinal) == [1, 0])
  }

  /// Whatever the threads find first, and however good the others' scores are.
  @Test(arguments: [1, 3], [Float.greatestFiniteMagnitude, -.greatestFiniteMagnitude])
  func aScoreThatIsNoNumberIsAnError(threads: Int, value: Float) throws {
    let folder = try TemporaryFolder()
    var values = (0..<3000).map { Float($0) }
    values[1700] = value
    values[2900] = value
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1, denseRecords(values, 1))
    try buildIndex(folder("i"), streams: [folder("s")])
    let index = try openIndex(folder("i"), threads: threads)
    for _ in 0..<20 {
      let failure = #expect(throws: Failure.self) {
        try index.search(
          SearchRequest(
            ids: [Array("a".utf8), Array("b".utf8)], queries: .dense([1, 4], dimension: 1), k: 1))
      }
      #expect(failure?.status == .data)
      let document = String(decoding: descendingID(1700), as: UTF8.self)
      #expect(
        failure?.message
          == "the score of document \(document) for query b is not a finite number")
    }
  }

  @Test func aQueryThatIsNotFiniteIsBlamedItself() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1, denseRecords([1, 2], 1))
    try buildIndex(folder("i"), streams: [folder("s")])
    for value in [Float.nan, .infinity, -.infinity] {
      let failure = #expect(throws: Failure.self) {
        try Self.search(folder("i"), [1, value], 1, k: 1)
      }
      #expect(failure?.place == "query q1")
      #expect(failure?.status == .data)
    }
  }

  @Test func valuesThatAreNotFiniteAreNotIndexed() throws {
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: 1), dimension: 1, denseRecords([1, .nan, 2], 1))
    let failure = #expect(throws: Failure.self) {
      try buildIndex(folder("i"), streams: [folder("s")])
    }
    #expect(failure?.status == .data)
    #expect(
      failure?.place == "document \(String(decoding: descendingID(1), as: UTF8.self))")
  }

  /// A score does not depend on what is searched beside it, nor on whether it is searched at all.
  @Test func scoresOfCandidatesAreThoseOfTheSearch() throws {
    let inputs = try Fixtures.tensors("search/dense_gauss/inputs.safetensors")
    let dimension = try inputs.tensor("docs").shape[1]
    let queries = try inputs.floats("queries")
    let folder = try TemporaryFolder()
    try writeStream(
      folder("s"), .dense(.f32, dimension: dimension), dimension: dimension,
      similarity: "cosine", denseRecords(try inputs.floats("docs"), dimension))
    try buildIndex(folder("i"), streams: [folder("s")])
    let all = try Self.search(folder("i"), queries, dimension, k: 50)
    for isa in InstructionSet.supported {
      let flat = try openIndex(folder("i"), isa)
      for (query, entries) in all.enumerated() {
        let scores = try flat.scores(
          .dense(queries, dimension: dimension), query, of: entries.map { Int($0.ordinal) })
        #expect(scores == entries.map(\.score))
      }
    }
  }
}
