import Failures
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

/// Vectors that are rounded to half precision, when an index is built or when it is searched.
@Suite struct RoundedVectorsTests {
  /// Types with vectors, and their parameters of building.
  private static let rows: [(type: any IndexType.Type, given: [IndexArguments.Given])] = [
    (Flat.self, []), (Flat.self, [("codes", "int8")]), (Flat.self, [("codes", "b1")]),
    (Flat.self, [("dims", "8")]),
    (IVF.self, [("num-centroids", "4")]), (IVF.self, [("num-centroids", "4"), ("codes", "b1")]),
    (IVFPQ.self, [("num-centroids", "3"), ("n-bits", "4"), ("rotation", "none")]),
    (PQ.self, [("n-bits", "4"), ("rotation", "none")]), (Graph.self, []),
    (MultiVector.self, [("codes", "int8")]),
  ]
  private static let dimension = 16
  private static let count = 120

  /// A stream `s` of vectors and a stream `h` of the same ones rounded.
  private static func streams(_ kind: StreamKind) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    let halves = RowCodec(.f16, Kernels())
    let values = CodedFlatTests.Hard.gaussian.vectors(2 * count, dimension, seed: 5)
    for (name, type) in [("s", ElementType.f32), ("h", .f16)] {
      func coded(_ rows: Range<Int>) -> [UInt8] {
        rows.flatMap { row -> [UInt8] in
          let own = Array(values[row * dimension..<(row + 1) * dimension])
          return type == .f32 ? bytes(own) : halves.encode(own).values
        }
      }
      if kind == .dense {
        try writeStream(
          folder(name), .dense(type, dimension: dimension), dimension: dimension,
          (0..<count).map { (descendingID($0), 1, [coded($0..<$0 + 1)]) })
      } else {
        try writeStream(
          folder(name), .multivector(type, dimension: dimension, withTokens: false),
          dimension: dimension,
          (0..<count).map { (descendingID($0), 2, [coded(2 * $0..<2 * $0 + 2)]) })
      }
    }
    return folder
  }

  /// Vectors that are rounded at the door are those of a stream of rounded ones: every file has the same
  /// bytes, and so has an index that was appended to.
  @Test(arguments: 0..<rows.count) func roundedAtTheDoor(row: Int) throws {
    let (type, given) = Self.rows[row]
    let folder = try Self.streams(type == MultiVector.self ? .multivector : .dense)
    let halved = given + [("originals", "f16")]
    try buildIndex(folder("i"), streams: [folder("s")], type: type, given: halved, threads: 2)
    try buildIndex(folder("j"), streams: [folder("h")], type: type, given: given)
    let manifest = try IndexManifest(folder: folder("i"))
    #expect(manifest.source.element == .f16)
    let others = try IndexManifest(folder: folder("j")).files.map(\.name)
    #expect(manifest.files.map(\.name) == others)
    for file in manifest.files {
      #expect(
        try WholeFile.read("\(folder("i"))/\(file.name)")
          == WholeFile.read("\(folder("j"))/\(file.name)"), "\(type.name) \(file.name)")
    }
    try type.verify(IndexFolder(folder("i")))
  }

  /// A search that rounds the vectors of what codes find has the scores of an index of rounded vectors.
  @Test(arguments: [2, 5, 6, 7]) func roundedWhenSearched(row: Int) throws {
    let (type, given) = Self.rows[row]
    let folder = try Self.streams(.dense)
    try buildIndex(folder("i"), streams: [folder("s")], type: type, given: given)
    try buildIndex(folder("flat"), streams: [folder("h")])
    let queries = Embeddings.dense(
      CodedFlatTests.Hard.gaussian.vectors(6, Self.dimension, seed: 6), dimension: Self.dimension)
    let request = SearchRequest(
      ids: (0..<6).map { Array("q\($0)".utf8) }, queries: queries, k: 9)
    func search(_ name: String, _ given: [IndexArguments.Given]) throws -> [[String]] {
      let index = try openIndex(folder(name), given: given)
      return try index.search(request).map { entries in
        entries.map {
          String(decoding: index.documents.id(Int($0.ordinal)), as: UTF8.self)
            + " \($0.score.bitPattern)"
        }
      }
    }
    let all =
      [("oversample", "100")]
      + (type.parameters.contains { $0.name == "nprobe" }
        ? [("nprobe", "all")] : [])
    #expect(try search("i", all + [("rescore", "f16")]) == search("flat", []))
    #expect(try search("i", all + [("rescore", "f32")]) == search("i", [("exact", "true")]))
    #expect(try search("i", all) != search("flat", []))
  }

  /// What does not go with the vectors that there are is refused.
  @Test func refusals() throws {
    let folder = try Self.streams(.dense)
    func build(_ given: [IndexArguments.Given], of stream: String = "s") -> Failures.ExitStatus? {
      status { try buildIndex(folder("i"), streams: [folder(stream)], given: given) }
    }
    func open(_ given: [IndexArguments.Given]) -> Failures.ExitStatus? {
      status { _ = try openIndex(folder("i"), given: given) }
    }
    #expect(build([]) == nil)
    #expect(open([("rescore", "f32")]) == .usage)
    #expect(build([("codes", "int8")]) == nil)
    #expect(open([("rescore", "f16")]) == .config)
    #expect(open([("rescore", "f32")]) == nil)
    #expect(open([("rescore", "f32"), ("exact", "true")]) == .usage)
    #expect(build([("codes", "b1"), ("originals", "none")]) == nil)
    #expect(open([("rescore", "f16")]) == .config)
    #expect(build([("codes", "b1"), ("originals", "f16")]) == nil)
    #expect(open([("rescore", "f32")]) == .config)
    #expect(open([("rescore", "f16")]) == nil)
    #expect(build([("originals", "keep")]) == .usage)
    let large = [Float](repeating: 70_000, count: Self.dimension)
    try writeStream(
      folder("large"), .dense(.f32, dimension: Self.dimension), dimension: Self.dimension,
      denseRecords(large, Self.dimension))
    #expect(build([("originals", "f16")], of: "large") == .data)
    for (name, type) in [("bytes", ElementType.i8), ("brain", .bf16)] {
      let codec = RowCodec(type, Kernels())
      let (values, scale) = codec.encode([Float](repeating: 1, count: Self.dimension))
      try writeStream(
        folder(name), .dense(type, dimension: Self.dimension), dimension: Self.dimension,
        [(descendingID(0), 1, [values] + (scale.map { [bytes([$0])] } ?? []))])
      #expect(build([("originals", "f16")], of: name) == .usage)
    }
  }
}
