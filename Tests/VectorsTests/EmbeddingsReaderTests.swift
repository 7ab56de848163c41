import Failures
import Kernels
import Streams
import Tensors
import TestSupport
import Testing
import Vectors

@Suite struct EmbeddingsReaderTests {
  private func bytes<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  /// Writes records to a stream and reads its one segment back.
  private func segment(
    _ schema: StreamSchema, dimension: Int, _ records: [(items: Int, columns: [[UInt8]])]
  ) throws -> TensorSegment {
    let folder = try TemporaryFolder()
    var description = StreamDescription(role: .doc)
    description.dim = dimension
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s")), schema: schema, description: description)
    for (i, record) in records.enumerated() {
      try writer.append(id: Array("d\(i)".utf8), items: record.items, record.columns)
    }
    try writer.finish()
    return try #require(try TensorStreamReader(folder("s")).next())
  }

  @Test func denseOfInt8() throws {
    let segment = try segment(
      .dense(.i8, dimension: 2), dimension: 2,
      [
        (1, [bytes([Int8(1), -2]), bytes([Float(0.5)])]),
        (1, [bytes([Int8(127), 0]), bytes([Float(2)])]),
      ])
    guard case .dense(let values, 2) = try Embeddings(segment, [1, 0], "s", Kernels()) else {
      Issue.record("a dense stream gives dense vectors")
      return
    }
    #expect(values == [254, 0, 0.5, -1])
  }

  @Test func sparse() throws {
    let segment = try segment(
      .sparse, dimension: 9,
      [(0, [[], []]), (2, [bytes([Int32(3), 8]), bytes([Float(1), 0.25])])])
    guard case .sparse(let vectors) = try Embeddings(segment, 0..<2, "s", Kernels()) else {
      Issue.record("a sparse stream gives sparse vectors")
      return
    }
    #expect(vectors == [SparseVector(), SparseVector(indices: [3, 8], values: [1, 0.25])])
  }

  /// The scales of int8 stand between the vectors and their tokens.
  @Test func severalVectorsOfInt8() throws {
    let segment = try segment(
      .multivector(.i8, dimension: 2, withTokens: true), dimension: 2,
      [
        (
          2,
          [bytes([Int8(1), 2, 3, 4]), bytes([Float(2), 10]), bytes([Int32(7), 9])]
        )
      ])
    guard case .vectors(let sets, let shape) = try Embeddings(segment, [0], "s", Kernels()) else {
      Issue.record("a multi-vector stream gives several vectors a text")
      return
    }
    #expect(shape == VectorShape(width: 2, hasTokens: true))
    #expect(sets[0].values == [2, 4, 30, 40])
    #expect(sets[0].ids == [7, 9])
  }

  @Test func coil() throws {
    let segment = try segment(
      .coil(clsDimension: 3, dimension: 1), dimension: 1,
      [(2, [bytes([Float(1), 2, 3]), bytes([Float(4), 5]), bytes([Int32(6), 7])])])
    guard case .vectors(let sets, let shape) = try Embeddings(segment, [0], "s", Kernels()) else {
      Issue.record("a COIL stream gives vectors of tokens and of the text")
      return
    }
    #expect(shape == VectorShape(cls: 3, width: 1, hasTokens: true))
    #expect(sets[0].cls == [1, 2, 3])
    #expect(sets[0].values == [4, 5])
    #expect(sets[0].ids == [6, 7])
  }

  @Test func tokensAreNoEmbeddings() {
    #expect(throws: Failure.self) { try EmbeddingsReader(.tokens, "s", Kernels()) }
  }
}
