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

/// Indexes of vectors that are cut are those of vectors that were cut before.
@Suite struct VectorCutTests {
  private static let (full, width, count) = (40, 16, 70)

  private static func write(
    _ rows: [[Float]], _ type: ElementType, _ similarity: String, to path: String, first: Int = 0
  ) throws {
    let codec = RowCodec(type, Kernels())
    try writeStream(
      path, .dense(type, dimension: rows[0].count), dimension: rows[0].count,
      similarity: similarity,
      rows.enumerated().map { place, row in
        let (values, scale) = codec.encode(row)
        return (descendingID(first + place), 1, [values] + (scale.map { [bytes([$0])] } ?? []))
      })
  }

  /// Vectors of unit length, or three times as long.
  private static func rows(unit: Bool) -> [[Float]] {
    var values = CodedFlatTests.Hard.gaussian.vectors(count, full, seed: 1)
    DenseComparison.bringToUnitLength(&values, dimension: full, Kernels())
    return (0..<count).map { row in
      values[row * full..<(row + 1) * full].map { unit ? $0 : 3 * $0 }
    }
  }

  @Test(arguments: [ElementType.f32, .f16, .bf16, .i8], [true, false])
  func equalsCutBefore(type: ElementType, unit: Bool) throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(unit: unit)
    try Self.write(rows, type, "dot", to: folder("s"))
    // What a stream of the type stands for is what is cut.
    let codec = RowCodec(type, Kernels())
    let short = rows.map { row -> [Float] in
      let (values, scale) = codec.encode(row)
      var decoded = row
      let scales = scale.map { bytes([$0]) } ?? []
      decoded.withUnsafeMutableBufferPointer { decoded in
        values.withUnsafeBytes { values in
          scales.withUnsafeBytes { scales in
            codec.decode(values, width: Self.full, scales: scales, into: decoded)
          }
        }
      }
      var cut = Array(decoded.prefix(Self.width))
      if unit { DenseComparison.bringToUnitLength(&cut, dimension: Self.width, Kernels()) }
      return cut
    }
    try Self.write(short, type, "dot", to: folder("short"))
    for codes in [nil, "int8", "b1"] {
      let given = codes.map { [("codes", $0)] } ?? []
      try buildIndex(
        folder("cut"), streams: [folder("s")], given: given + [("dims", "\(Self.width)")])
      try buildIndex(folder("short.index"), streams: [folder("short")], given: given)
      let (cut, whole) = (
        try contents(folder("cut")).filter { $0.key != "manifest.json" },
        try contents(folder("short.index")).filter { $0.key != "manifest.json" }
      )
      #expect(cut == whole, "\(codes ?? "no codes")")
      try Flat.verify(IndexFolder(folder("cut")))
    }
  }

  /// A search that cuts vectors finds what one in an index of vectors that were cut does, to the bit.
  @Test(arguments: [ElementType.f32, .f16, .bf16, .i8], ["dot", "cosine", "l2"])
  func searchCuts(type: ElementType, similarity: String) throws {
    let folder = try TemporaryFolder()
    // Some of unit length, some not, and one that is nothing where it is cut.
    var rows = Self.rows(unit: true) + Self.rows(unit: false).prefix(20)
    rows[3] = (0..<Self.full).map { $0 == Self.full - 1 ? 1 : 0 }
    try Self.write(rows, type, similarity, to: folder("s"))
    let queries = Self.rows(unit: true).prefix(9).flatMap { $0.reversed() }
    let cut = VectorCut(to: Self.width, .f32, Kernels()).queries(
      .dense(queries, dimension: Self.full))
    for codes in [nil, "int8", "b1"] {
      let given: [IndexArguments.Given] = codes.map { [("codes", $0)] } ?? []
      try buildIndex(folder("whole"), streams: [folder("s")], given: given)
      try buildIndex(
        folder("cut"), streams: [folder("s")], given: given + [("dims", "\(Self.width)")])
      let request = SearchRequest(
        ids: (0..<9).map { Array("q\($0)".utf8) }, queries: cut, k: 30)
      let expected = try openIndex(folder("cut"), given: [("exact", "true")]).search(request)
      for threads in [1, 3] {
        let index = try openIndex(
          folder("whole"), given: [("dims", "\(Self.width)")], threads: threads)
        let found = try index.search(request)
        #expect(found.map { $0.map(\.ordinal) } == expected.map { $0.map(\.ordinal) })
        #expect(
          found.map { $0.map(\.score.bitPattern) } == expected.map { $0.map(\.score.bitPattern) })
        #expect(
          try index.scores(cut, 2, of: [5, 3, 60])
            == openIndex(folder("cut"), given: [("exact", "true")]).scores(cut, 2, of: [5, 3, 60]))
      }
      #expect(
        status { _ = try openIndex(folder("whole"), given: [("dims", "41")]) } == .usage)
    }
  }

  @Test func shardsJoined() throws {
    let folder = try TemporaryFolder()
    let rows = Self.rows(unit: true)
    try Self.write(rows, .f32, "cosine", to: folder("s"))
    let given: [IndexArguments.Given] = [("dims", "\(Self.width)"), ("codes", "int8")]
    try buildIndex(folder("one"), streams: [folder("s")], given: given)
    for (name, range) in [("a", 0..<30), ("b", 30..<Self.count)] {
      try Self.write(
        Array(rows[range]), .f32, "cosine", to: folder(name), first: range.lowerBound)
      try buildIndex(folder("\(name).index"), streams: [folder(name)], given: given)
    }
    let merge = try IndexMerge(
      ["a.index", "b.index"].map { try IndexFolder(folder($0)) }, Flat.self)
    _ = try merge.run(to: folder("merged"), IndexWork(Kernels(), WorkerPool(threads: 1)), by: nil)
    #expect(try contents(folder("merged")) == contents(folder("one")))
    #expect(
      status {
        try buildIndex(folder("other"), streams: [folder("s")], given: [("dims", "41")])
      } == .usage)
  }
}
