import Encoding
import Failures
import JSON
import Kernels
import Streams
import Tensors
import TestSupport
import Testing
import Tokenizers
import Vectors

struct EmbeddingSinkTests {
  private let folder: TemporaryFolder
  private let kernels = Kernels(.best)
  private let ids = ["d1", "d2"].map { Array($0.utf8) }

  init() throws { folder = try TemporaryFolder() }

  private func output(_ name: String = "out") throws -> ByteWriter {
    try ByteWriter(folder(name), compression: Compression.none)
  }

  /// What a stream gives back of what was appended to it.
  private func written(
    _ output: EmbeddingOutput, _ embeddings: Embeddings, _ form: EmbeddingForm = EmbeddingForm()
  ) throws -> (segment: TensorSegment, embeddings: Embeddings) {
    var sink = EmbeddingStreamSink(
      try self.output(), try EmbeddingShaper(output, form, kernels), StreamDescription(role: .doc))
    try sink.append(ids: ids, embeddings)
    try sink.finish()
    let reader = try TensorStreamReader(folder("out"))
    let segment = try #require(try reader.next())
    #expect((0..<segment.records).map { segment.id($0) } == ids)
    return (segment, try Embeddings(segment, 0..<segment.records, "out", kernels))
  }

  @Test func denseStreams() throws {
    let (segment, found) = try written(
      EmbeddingOutput(.dense, width: 3), .dense([1, 2, 3, 4, 5, 6], dimension: 3),
      EmbeddingForm(dims: 2))
    #expect(segment.description.dim == 2)
    guard case .dense(let values, dimension: 2) = found else {
      Issue.record("\(found.form)")
      return
    }
    #expect(values == [1, 2, 4, 5])
  }

  /// Powers of two times 127 come through int8 unchanged.
  @Test func bytesAndScales() throws {
    let (segment, found) = try written(
      EmbeddingOutput(.dense, width: 2), .dense([127, -64, 254, 2], dimension: 2),
      EmbeddingForm(dtype: .i8))
    #expect(segment.schema == .dense(.i8, dimension: 2))
    guard case .dense(let values, _) = found else {
      Issue.record("\(found.form)")
      return
    }
    #expect(values == [127, -64, 254, 2])
  }

  @Test func sparseStreams() throws {
    let vectors = [
      SparseVector(indices: [1, 3, 5], values: [2, 1, 3]), SparseVector(indices: [], values: []),
    ]
    let (segment, found) = try written(
      EmbeddingOutput(.sparse, width: 9), .sparse(vectors), EmbeddingForm(topTerms: 1))
    #expect(segment.description.dim == 9)
    guard case .sparse(let kept) = found else {
      Issue.record("\(found.form)")
      return
    }
    #expect(kept == [SparseVector(indices: [5], values: [3]), vectors[1]])
  }

  @Test func streamsOfSeveralVectors() throws {
    var one = VectorSet()
    one.cls = [7, 8, 9]
    one.ids = [4, 5]
    one.values = [1, 2, 3, 4]
    var two = one
    (two.ids, two.values) = ([6], [5, 6])
    let shape = VectorShape(cls: 3, width: 2, hasTokens: true)
    let coil = try written(
      EmbeddingOutput(.coil, width: 2, clsWidth: 3, hasTokens: true), .vectors([one, two], shape))
    guard case .vectors(let sets, let found) = coil.embeddings else {
      Issue.record("\(coil.embeddings.form)")
      return
    }
    #expect(sets == [one, two] && found == shape)
    (one.cls, one.ids, two.cls, two.ids) = ([], [], [], [])
    let viewers = VectorShape(width: 2, hasTokens: false)
    let mvr = try written(
      EmbeddingOutput(.multivector, width: 2), .vectors([one, two], viewers),
      EmbeddingForm(dtype: .f16))
    guard case .vectors(let halves, let shapeOfHalves) = mvr.embeddings else {
      Issue.record("\(mvr.embeddings.form)")
      return
    }
    #expect(halves == [one, two] && shapeOfHalves == viewers)
  }

  @Test func lines() throws {
    let tokenizer = try TinyTokenizer.load(folder)
    func lines(
      _ output: EmbeddingOutput, _ embeddings: Embeddings, _ form: EmbeddingForm = EmbeddingForm()
    ) throws -> String {
      var sink = EmbeddingLineSink(
        try self.output(), try EmbeddingShaper(output, form, kernels), tokenizer, provenance: nil)
      try sink.append(ids: ids, embeddings)
      try sink.finish()
      return String(decoding: try folder.read("out"), as: UTF8.self)
    }
    #expect(
      try lines(
        EmbeddingOutput(.dense, width: 2), .dense([0.1, -2, 3, 4], dimension: 2),
        EmbeddingForm(dims: 1))
        == "{\"id\":\"d1\",\"vector\":[0.1]}\n{\"id\":\"d2\",\"vector\":[3.0]}\n")
    // The vocabulary has eleven tokens.
    #expect(
      try lines(
        EmbeddingOutput(.sparse, width: 99),
        .sparse([SparseVector(indices: [5, 50], values: [1.5, 2]), SparseVector()]))
        == "{\"id\":\"d1\",\"vector\":{\"a\":1.5,\"#50\":2.0}}\n{\"id\":\"d2\",\"vector\":{}}\n")
    var set = VectorSet()
    (set.cls, set.ids, set.values) = ([1], [2, 50], [3, 4])
    #expect(
      try lines(
        EmbeddingOutput(.coil, width: 1, clsWidth: 1, hasTokens: true),
        .vectors([set, VectorSet()], VectorShape(cls: 1, width: 1, hasTokens: true)))
        == "{\"id\":\"d1\",\"cls\":[1.0],\"vectors\":[[3.0],[4.0]],\"tokens\":[\"[CLS]\",\"#50\"]}\n"
        + "{\"id\":\"d2\",\"cls\":[],\"vectors\":[],\"tokens\":[]}\n")
  }

  /// As numpy.lib.format.write_array_header_1_0 of NumPy 2.4.6 wrote them.
  @Test func headersOfNumPy() {
    func expected(_ dictionary: String) -> [UInt8] {
      let text = dictionary + String(repeating: " ", count: 117 - dictionary.utf8.count) + "\n"
      return [0x93] + Array("NUMPY\u{1}\u{0}v\u{0}".utf8) + Array(text.utf8)
    }
    #expect(
      NPYHeader.bytes(.f32, rows: 2, columns: 3)
        == expected("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"))
    #expect(
      NPYHeader.bytes(.f16, rows: 1000, columns: 384)
        == expected("{'descr': '<f2', 'fortran_order': False, 'shape': (1000, 384), }"))
  }

  @Test func filesOfNumPy() throws {
    let shaper = try EmbeddingShaper(
      EmbeddingOutput(.dense, width: 2), EmbeddingForm(dtype: .f16), kernels)
    var sink = try NPYSink(folder("v.npy"), shaper)
    try sink.append(ids: ids, .dense([1, -2, 0.5, 4], dimension: 2))
    try sink.append(ids: [Array("d3".utf8)], .dense([8, 16], dimension: 2))
    try sink.finish()
    let values: [Float16] = [1, -2, 0.5, 4, 8, 16]
    #expect(
      try folder.read("v.npy")
        == NPYHeader.bytes(.f16, rows: 3, columns: 2) + values.withUnsafeBytes { Array($0) })
    #expect(try folder.read("v.npy.ids") == Array("d1\nd2\nd3\n".utf8))
  }

  @Test func whatNumPyDoesNotHold() throws {
    func status(_ path: String, _ output: EmbeddingOutput, _ type: ElementType) -> Failures
      .ExitStatus?
    {
      failure {
        _ = try NPYSink(path, EmbeddingShaper(output, EmbeddingForm(dtype: type), kernels))
      }?.status
    }
    let dense = EmbeddingOutput(.dense, width: 2)
    #expect(status("-", dense, .f32) == .usage)
    #expect(status(folder("v.npy"), dense, .bf16) == .usage)
    #expect(status(folder("v.npy"), dense, .i8) == .usage)
    #expect(status(folder("v.npy"), EmbeddingOutput(.sparse, width: 2), .f32) == .usage)
    #expect(status(folder("v.npy"), EmbeddingOutput(.multivector, width: 2), .f32) == .usage)
  }
}
