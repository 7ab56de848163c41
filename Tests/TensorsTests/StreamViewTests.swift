import Failures
import JSON
import Streams
import Tensors
import TestSupport
import Testing

struct StreamViewTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func segment(
    _ schema: StreamSchema, _ description: StreamDescription, items: Int, _ columns: [[UInt8]]
  ) throws -> TensorSegment {
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: schema,
      description: description)
    try writer.append(id: Array("d\"1".utf8), items: items, columns)
    try writer.finish()
    return try #require(try TensorStreamReader(folder("s")).next())
  }

  private func bytes<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  @Test func whatAMemberSays() throws {
    var description = StreamDescription(role: .query)
    description.model = "m"
    description.dim = 1
    description.maxLength = 32
    description.prompt = "find: "
    description.by = #"[{"tool":"lir-encode"}]"#
    let segment = try segment(
      .dense(.f32, dimension: 1), description, items: 1, [bytes([Float(1)])])
    #expect(
      StreamView.header(segment)
        == #"{"kind":"dense","role":"query","model":"m","dim":1,"max_length":32,"#
        + #""prompt":"find: ","by":[{"tool":"lir-encode"}]}"#)
  }

  @Test func vectors() throws {
    var description = StreamDescription(role: .doc)
    description.dim = 2
    func record(_ schema: StreamSchema, items: Int, _ columns: [[UInt8]]) throws -> String {
      try StreamView.record(segment(schema, description, items: items, columns), 0)
    }
    #expect(
      try record(.dense(.f16, dimension: 2), items: 1, [bytes([Float16(0.5), -2])])
        == #"{"id":"d\"1","embeddings":[0.5,-2.0]}"#)
    for odd in [Float16.nan, .infinity, -.infinity] {
      #expect(throws: Failure.self) {
        try record(.dense(.f16, dimension: 2), items: 1, [bytes([Float16(0.5), odd])])
      }
    }
    // The upper half of a float.
    #expect(
      try record(.dense(.bf16, dimension: 2), items: 1, [bytes([UInt16(0x3F80), 0xC000])])
        == #"{"id":"d\"1","embeddings":[1.0,-2.0]}"#)
    #expect(
      try record(.dense(.i8, dimension: 2), items: 1, [bytes([Int8(127), -1]), bytes([Float(2)])])
        == #"{"id":"d\"1","embeddings":[127,-1],"scales":2.0}"#)
    #expect(
      try record(
        .multivector(.f32, dimension: 2, withTokens: true), items: 2,
        [bytes([Float(1), 2, 3, 4]), bytes([Int32(7), 8])])
        == #"{"id":"d\"1","embeddings":[[1.0,2.0],[3.0,4.0]],"input_ids":[7,8]}"#)
    #expect(
      try record(.sparse, items: 0, [[], []]) == #"{"id":"d\"1","indices":[],"values":[]}"#)
    #expect(
      try record(.tokens, items: 1, [bytes([Int32(5)]), [1], [0]])
        == #"{"id":"d\"1","input_ids":[5],"attended":[1],"type_ids":[0]}"#)
  }
}
