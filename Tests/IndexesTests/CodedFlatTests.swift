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

/// A flat index with codes against one without: scores and order must be the same bits.
@Suite struct CodedFlatTests {
  /// Documents and queries that are hard for a bound, each in its own way.
  enum Hard: String, CaseIterable {
    case gaussian, equal, nearlyEqual, zeros, denormals, huge, mixed, grid

    func vectors(_ count: Int, _ dimension: Int, seed: UInt64) -> [Float] {
      var random = CounterRandom(seed: seed)
      func number() -> Float { Float(Int(random.next() >> 40) - 1 << 23) * 0x1p-22 }
      let one = (0..<dimension).map { _ in number() }
      var values: [Float] = []
      for row in 0..<count {
        switch self {
        case .gaussian:
          values += (0..<dimension).map { _ in (0..<4).reduce(Float(0)) { sum, _ in sum + number() }
          }
        case .equal: values += one
        // Scores that differ in their last bits, if at all.
        case .nearlyEqual:
          values += one.enumerated().map { $0 == row % dimension ? $1.nextUp : $1 }
        case .zeros:
          values +=
            row % 3 == 0 ? one : [Float](repeating: row % 3 == 1 ? 0 : -0.0, count: dimension)
        case .denormals:
          values += (0..<dimension).map { _ in number() * 0x1p-140 }
        case .huge: values += (0..<dimension).map { _ in number() * 0x1p62 }
        case .mixed:
          let size = Float(sign: .plus, exponent: row % 41 - 20, significand: 1)
          values += (0..<dimension).map { _ in number() * size }
        case .grid: values += (0..<dimension).map { _ in Float(random.next() % 3) - 1 }
        }
      }
      return values
    }
  }

  private static func folder(
    _ documents: [Float], _ dimension: Int, _ similarity: String, _ type: ElementType = .f32
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let codec = RowCodec(type, Kernels())
    try writeStream(
      folder("s"), .dense(type, dimension: dimension), dimension: dimension, similarity: similarity,
      (0..<documents.count / dimension).map { row in
        let (values, scale) = codec.encode(
          Array(documents[row * dimension..<(row + 1) * dimension]))
        return (descendingID(row), 1, [values] + (scale.map { [bytes([$0])] } ?? []))
      })
    return folder
  }

  private static func search(
    _ index: any SearchableIndex, _ queries: [Float], _ dimension: Int, k: Int,
    dropsSelf: Bool = false
  ) throws -> [[TopDocuments.Entry]] {
    let ids = (0..<queries.count / dimension).map {
      dropsSelf ? descendingID($0) : Array("q\($0)".utf8)
    }
    return try index.search(
      SearchRequest(
        ids: ids, queries: .dense(queries, dimension: dimension), k: k, dropsSelf: dropsSelf))
  }

  /// What `--codes` may be where the vectors are kept.
  private static let forms = ["int8", "f16", "bf16"]

  @Test(arguments: Hard.allCases, ["dot", "cosine", "l2"])
  func bitsOfTheVectors(hard: Hard, similarity: String) throws {
    for (dimension, count) in [(1, 40), (33, 1100), (130, 520)] {
      let documents = hard.vectors(count, dimension, seed: 1)
      let folder = try Self.folder(documents, dimension, similarity)
      try buildIndex(folder("plain"), streams: [folder("s")])
      for form in Self.forms {
        try buildIndex(folder(form), streams: [folder("s")], given: [("codes", form)])
      }
      let plain = try openIndex(folder("plain"))
      for queries in [1, 70] {
        // Some queries are documents, so that the largest scores tie.
        let asked =
          hard.vectors(max(queries - 2, 1), dimension, seed: 2)
          + documents.prefix(min(2, queries - 1) * dimension)
        for k in [1, 100] {
          // Scores of huge vectors may overflow, which is an error in both.
          let expected = try? Self.search(plain, asked, dimension, k: k)
          for form in Self.forms {
            let coded = try openIndex(folder(form), threads: 1 + k % 2)
            guard let expected else {
              #expect(status { _ = try Self.search(coded, asked, dimension, k: k) } == .data)
              continue
            }
            #expect(
              try Self.search(coded, asked, dimension, k: k) == expected,
              "\(form), \(dimension) numbers, \(queries) queries, k \(k)")
          }
        }
      }
    }
  }

  /// Codes exclude nothing among vectors that are nearly equal, and most of the others: documents of
  /// both sorts by turns, so that a scan leaves its codes and comes back to them.
  @Test(arguments: forms, ["dot", "l2"])
  func nearlyEqualOnesAmongOthers(form: String, similarity: String) throws {
    let dimension = 24
    var documents: [Float] = []
    for part in 0..<6 {
      let hard: Hard = part % 2 == 0 ? .nearlyEqual : .gaussian
      documents += hard.vectors(part == 3 ? 3000 : 900, dimension, seed: UInt64(30 + part))
    }
    let folder = try Self.folder(documents, dimension, similarity)
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", form)])
    let plain = try openIndex(folder("plain"))
    for queries in [1, 12] {
      let asked = Hard.gaussian.vectors(queries, dimension, seed: 40)
      for (k, threads) in [(1, 1), (10, 2), (100, 1), (4000, 2)] {
        let coded = try openIndex(folder("coded"), threads: threads)
        #expect(
          try Self.search(coded, asked, dimension, k: k)
            == Self.search(plain, asked, dimension, k: k), "\(queries) queries, k \(k)")
      }
    }
  }

  /// Numbers that an f16 cannot hold have codes, which prove nothing, where the vectors are kept.
  @Test func beyondHalves() throws {
    let (dimension, count) = (4, 50)
    let documents = Hard.gaussian.vectors(count, dimension, seed: 13).map { $0 * 60000 }
    let folder = try Self.folder(documents, dimension, "dot")
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "f16")])
    let asked = Hard.gaussian.vectors(3, dimension, seed: 14)
    #expect(
      try Self.search(openIndex(folder("coded")), asked, dimension, k: 9)
        == Self.search(openIndex(folder("plain")), asked, dimension, k: 9))
    #expect(
      status {
        try buildIndex(
          folder("small"), streams: [folder("s")], given: [("codes", "f16"), ("originals", "none")])
      } == .data)
  }

  @Test(arguments: InstructionSet.supported) func everyInstructionSet(_ isa: InstructionSet) throws
  {
    let (dimension, count) = (100, 700)
    let folder = try Self.folder(
      Hard.mixed.vectors(count, dimension, seed: 3), dimension, "dot")
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    for queries in [1, 4, 5, 16, 40, 64, 65, 130] {
      let asked = Hard.gaussian.vectors(queries, dimension, seed: 4)
      #expect(
        try Self.search(openIndex(folder("coded"), isa), asked, dimension, k: 7)
          == Self.search(openIndex(folder("plain")), asked, dimension, k: 7), "\(queries) queries")
    }
  }

  /// What a query may not find must not count among the k that push others out.
  @Test func whatMayNotBeFoundExcludesNothing() throws {
    let (dimension, count) = (16, 300)
    let documents = Hard.gaussian.vectors(count, dimension, seed: 5)
    let folder = try Self.folder(documents, dimension, "dot")
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    let asked = Array(documents.prefix(20 * dimension))
    let expected = try Self.search(
      openIndex(folder("plain")), asked, dimension, k: 1, dropsSelf: true)
    #expect(
      try Self.search(openIndex(folder("coded")), asked, dimension, k: 1, dropsSelf: true)
        == expected)
    // Each of them is its own best document.
    #expect(
      try Self.search(openIndex(folder("coded")), asked, dimension, k: 1) != expected)
  }

  /// The least score excludes by scores, also where documents are ranked by something else.
  @Test(arguments: ["dot", "l2"]) func leastScores(similarity: String) throws {
    let (dimension, count) = (16, 900)
    let documents = Hard.gaussian.vectors(count, dimension, seed: 17)
    let folder = try Self.folder(documents, dimension, similarity)
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    let asked = Hard.gaussian.vectors(20, dimension, seed: 18)
    var request = SearchRequest(
      ids: (0..<20).map { Array("q\($0)".utf8) }, queries: .dense(asked, dimension: dimension),
      k: 40)
    let all = try openIndex(folder("plain")).search(request)
    request.floor = all[0][7].score
    let expected = try openIndex(folder("plain")).search(request)
    #expect(expected[0] == Array(all[0].prefix(8)))
    #expect(try openIndex(folder("coded")).search(request) == expected)
  }

  @Test(arguments: [ElementType.f16, .bf16, .i8])
  func storedTypes(type: ElementType) throws {
    let (dimension, count) = (48, 400)
    let folder = try Self.folder(
      Hard.gaussian.vectors(count, dimension, seed: 6), dimension, "cosine", type)
    try buildIndex(folder("plain"), streams: [folder("s")])
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    let asked = Hard.gaussian.vectors(9, dimension, seed: 7)
    #expect(
      try Self.search(openIndex(folder("coded")), asked, dimension, k: 20)
        == Self.search(openIndex(folder("plain")), asked, dimension, k: 20))
  }

  /// Without originals the codes are the vectors: what a stream of the decoded rows gives.
  @Test(arguments: ["dot", "l2"], [Hard.gaussian, .mixed])
  func withoutOriginals(similarity: String, hard: Hard) throws {
    let (dimension, count) = (24, 300)
    let documents = hard.vectors(count, dimension, seed: 8)
    let folder = try Self.folder(documents, dimension, similarity)
    try buildIndex(
      folder("coded"), streams: [folder("s")], given: [("codes", "int8"), ("originals", "none")])
    let decoded = (0..<count).flatMap { row -> [Float] in
      documents[row * dimension..<(row + 1) * dimension].withUnsafeBufferPointer { row in
        let code = ByteCode(row)
        return code.codes.map { Float($0) * code.scale }
      }
    }
    let other = try Self.folder(decoded, dimension, similarity)
    try buildIndex(other("plain"), streams: [other("s")])
    // Queries that lie at the codes: among near documents the least difference counts.
    let asked = Array(decoded[..<(9 * dimension)])
    for k in [1, 3, 20] {
      #expect(
        try Self.search(openIndex(folder("coded")), asked, dimension, k: k)
          == Self.search(openIndex(other("plain")), asked, dimension, k: k))
    }
    #expect(throws: Failure.self) { try openIndex(folder("coded"), given: [("exact", "true")]) }
    #expect(
      status { _ = try openIndex(folder("coded"), given: [("exact", "true")]) } == .config)
  }

  /// Codes of two bytes without originals are a stream of that type.
  @Test(arguments: [ElementType.f16, .bf16], ["dot", "l2"])
  func halvesWithoutOriginals(type: ElementType, similarity: String) throws {
    let (dimension, count) = (24, 300)
    let documents = Hard.gaussian.vectors(count, dimension, seed: 15)
    let folder = try Self.folder(documents, dimension, similarity)
    try buildIndex(
      folder("coded"), streams: [folder("s")],
      given: [("codes", type.rawValue.lowercased()), ("originals", "none")])
    let other = try Self.folder(documents, dimension, similarity, type)
    try buildIndex(other("plain"), streams: [other("s")])
    let asked = Hard.gaussian.vectors(9, dimension, seed: 16)
    #expect(
      try Self.search(openIndex(folder("coded")), asked, dimension, k: 20)
        == Self.search(openIndex(other("plain")), asked, dimension, k: 20))
    #expect(
      status { _ = try openIndex(folder("coded"), given: [("exact", "true")]) } == .config)
  }

  /// Two parts joined have the bytes of one build, also with two threads.
  @Test(arguments: forms) func sameBytes(form: String) throws {
    let (dimension, count) = (20, 90)
    let documents = Hard.mixed.vectors(count, dimension, seed: 10)
    let folder = try Self.folder(documents, dimension, "l2")
    let given: [IndexArguments.Given] = [("codes", form)]
    try buildIndex(folder("one"), streams: [folder("s")], given: given)
    try buildIndex(folder("two"), streams: [folder("s")], given: given, threads: 2)
    #expect(try contents(folder("one")) == contents(folder("two")))
    for (name, rows) in [("a", 0..<40), ("b", 40..<count)] {
      try writeStream(
        folder(name), .dense(.f32, dimension: dimension), dimension: dimension, similarity: "l2",
        rows.map { row in
          (descendingID(row), 1, [bytes(Array(documents[row * dimension..<(row + 1) * dimension]))])
        })
      try buildIndex(folder("\(name).index"), streams: [folder(name)], given: given)
    }
    let merge = try IndexMerge(
      ["a.index", "b.index"].map { try IndexFolder(folder($0)) }, Flat.self)
    _ = try merge.run(
      to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("merged")) == contents(folder("one")))
    try Flat.verify(IndexFolder(folder("merged")))
  }

  /// Numbers that are none are found under checksums that fit.
  @Test func damagedCodes() throws {
    let folder = try Self.folder(Hard.gaussian.vectors(3, 2, seed: 11), 2, "dot")
    try buildIndex(folder("i"), streams: [folder("s")], given: [("codes", "int8")])
    let errors = try path(of: "codes.errors", in: folder("i"))
    var content = try contents(folder("i"))[String(errors.split(separator: "/").last ?? "")] ?? []
    content.replaceSubrange((content.count - 4)..., with: bytes([-Float.infinity]))
    try replace("codes.errors", of: folder("i"), by: content)
    #expect(status { try Flat.verify(IndexFolder(folder("i"))) } == .data)
  }

  @Test func refusals() throws {
    let folder = try Self.folder(Hard.gaussian.vectors(3, 2, seed: 12), 2, "dot")
    #expect(
      status {
        try buildIndex(folder("i"), streams: [folder("s")], given: [("originals", "keep")])
      } == .usage)
    try buildIndex(folder("plain"), streams: [folder("s")])
    #expect(
      status { _ = try openIndex(folder("plain"), given: [("approximate", "true")]) } == .usage)
    try buildIndex(folder("coded"), streams: [folder("s")], given: [("codes", "int8")])
    #expect(
      status {
        _ = try openIndex(folder("coded"), given: [("approximate", "true"), ("exact", "true")])
      } == .usage)
  }
}
