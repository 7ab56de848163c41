import JSON
import Streams
import Tensors
import TestSupport
import Testing

/// Layout of a stream, byte by byte, as the description of the format has it.
struct StreamLayoutTests {
  /// Streams that were laid out by other code.
  @Test(arguments: ["dense", "tokens", "multivector", "sparse", "coil"])
  func sameBytesAsElsewhere(kind: String) throws {
    let expected = try Fixtures.bytes("streams/\(kind).lirt")
    let reading = try StreamReading(expected)
    #expect(reading.failure == nil)
    #expect(reading.records.map(\.id) == ["a", "é-2", "doc#3"].map { Array($0.utf8) })
    let reader = try TensorStreamReader(fixture("streams/\(kind).lirt"))
    let segment = try #require(try reader.next())
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: segment.schema,
      description: segment.description)
    for index in 0..<segment.records { try writer.append(segment, index) }
    try writer.finish()
    #expect(try folder.read("s") == expected)
  }

  @Test func valuesFromElsewhere() throws {
    let dense = try #require(try TensorStreamReader(fixture("streams/dense.lirt")).next())
    #expect(dense.values(1, column: 0, as: Float.self) == [0.5, 3e-9])
    #expect(dense.description.role == .query)
    #expect(dense.description.similarity == "dot")
    #expect(dense.description.dim == 2)
    #expect(dense.description.maxLength == 32)
    #expect(dense.description.prompt == "query: \"é\"\\")
    #expect(dense.description.by == #"[{"tool":"x"}]"#)
    let tokens = try #require(try TensorStreamReader(fixture("streams/tokens.lirt")).next())
    #expect(
      (0..<3).map { tokens.values($0, column: 0, as: Int32.self) } == [[2, 3], [], [5, 6, 7]])
    #expect(
      (0..<3).map { tokens.values($0, column: 1, as: UInt8.self) } == [[1, 1], [], [1, 0, 1]])
    #expect(
      (0..<3).map { tokens.values($0, column: 2, as: UInt8.self) } == [[0, 0], [], [0, 1, 1]])
    let coil = try #require(try TensorStreamReader(fixture("streams/coil.lirt")).next())
    #expect(coil.values(1, column: 0, as: Float.self) == [3, 4])
    #expect(coil.values(2, column: 1, as: Float.self) == [0.25, 0.125])
  }

  /// The file without its end segment is a `.safetensors` file.
  @Test(arguments: StreamSample.all)
  func isSafeTensors(sample: StreamSample) throws {
    let segments = try RawSegment.split(try sample.bytes(0..<10))
    #expect(segments.count == 2)
    let folder = try TemporaryFolder()
    try folder.write("x.safetensors", segments[0].bytes)
    let file = try TestSupport.SafeTensorsFile.load(folder("x.safetensors"))
    #expect(file.metadata["lir.kind"] == sample.schema.kind.rawValue)
    #expect(try file.tensor("id_offsets").integers?.last == 20)
  }

  @Test(arguments: StreamSample.all)
  func headers(sample: StreamSample) throws {
    let segments = try RawSegment.split(try sample.bytes(0..<2050))
    #expect(segments.count == 4)
    var first = 0
    var chain: [UInt8] = []
    for (i, segment) in segments.enumerated() {
      #expect((8 + segment.header.count) % 64 == 0)
      let json = try #require(segment.json)
      let text = Array(json.serialized(sortingKeys: true).utf8)
      #expect(Array(segment.header.prefix(text.count)) == text)
      #expect(segment.header[text.count...].allSatisfy { $0 == UInt8(ascii: " ") })
      let metadata = try #require(json["__metadata__"]?.members)
      var sealed = segment
      sealed.seal()
      #expect(sealed.header == segment.header, "the checksum of segment \(i)")
      let common = ["lir.format", "lir.kind", "lir.records", "lir.xxh3"]
      #expect(segment.metadata("lir.format") == "1")
      if i == 3 {
        #expect(metadata.map(\.key) == (common + ["lir.chain", "lir.segments"]).sorted())
        #expect(segment.metadata("lir.kind") == "end")
        #expect(segment.metadata("lir.records") == "2050")
        #expect(segment.metadata("lir.segments") == "3")
        #expect(segment.metadata("lir.chain") == Checksum.hex(Checksum.xxh3(chain)))
        #expect(segment.data.isEmpty)
        continue
      }
      let dim = sample.settings.dim == nil ? [] : ["lir.dim"]
      let additional = i == 0 ? ["lir.model", "lir.prompt"] + dim : []
      #expect(metadata.map(\.key) == (common + ["lir.first", "lir.role"] + additional).sorted())
      #expect(segment.metadata("lir.first") == String(first))
      #expect(segment.metadata("lir.records") == String(i < 2 ? 1024 : 2))
      chain += Array((segment.metadata("lir.xxh3") ?? "").utf8)
      first += i < 2 ? 1024 : 2
      try order(json)
    }
  }

  /// By decreasing element size, then name, without gaps.
  private func order(_ header: JSON) throws {
    let sizes = ["F32": 4, "I32": 4, "I64": 8, "F16": 2, "BF16": 2, "U8": 1, "I8": 1]
    var tensors: [(size: Int, name: String, start: Int, end: Int)] = []
    for member in header.members ?? [] where member.key != "__metadata__" {
      let type = try #require(member.value["dtype"]?.string)
      let size = try #require(sizes[type])
      let range = (member.value["data_offsets"]?.array ?? []).compactMap(\.integer)
      let shape = (member.value["shape"]?.array ?? []).compactMap(\.integer)
      #expect(range[1] - range[0] == shape.reduce(size, *))
      tensors.append((size, member.key, range[0], range[1]))
    }
    tensors.sort { $0.size != $1.size ? $0.size > $1.size : $0.name < $1.name }
    var end = 0
    for tensor in tensors {
      #expect(tensor.start == end, "\(tensor.name)")
      end = tensor.end
    }
  }

  /// The record that brings the data to 4 MiB is the segment's last.
  @Test func boundaryByBytes() throws {
    // One record: 4·dimension bytes of values, 8 of offset, 4 of id; and 8 for the first offset.
    let dimension = 1 << 14
    let perRecord = 4 * dimension + 12
    let sample = StreamSample(name: "wide", schema: .dense(.f32, dimension: dimension))
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: sample.schema,
      description: sample.settings)
    let row = [UInt8](repeating: 1, count: 4 * dimension)
    for _ in 0..<70 { try writer.append(id: Array("abcd".utf8), items: 1, [row]) }
    try writer.finish()
    let segments = try RawSegment.split(try folder.read("s"))
    let expected = (4_194_304 - 8 + perRecord - 1) / perRecord
    #expect(
      segments.map { $0.metadata("lir.records") } == ["\(expected)", "\(70 - expected)", "70"])
    #expect(segments[0].data.count >= 4_194_304)
    #expect(segments[0].data.count - perRecord < 4_194_304)
  }

  /// Exactly 4 MiB is enough, one byte less is not.
  @Test(arguments: [0, 1])
  func boundaryToTheByte(missing: Int) throws {
    let sample = StreamSample(name: "one", schema: .dense(.i8, dimension: 4_194_304 - 32 - missing))
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: sample.schema,
      description: sample.settings)
    // 16 for two offsets, 4 for a scale, 12 for the id, and the vector.
    let vector = [UInt8](repeating: 0, count: 4_194_304 - 32 - missing)
    let id = Array("twelve bytes".utf8)
    for _ in 0..<2 { try writer.append(id: id, items: 1, [vector, [0, 0, 0, 0]]) }
    try writer.finish()
    let segments = try RawSegment.split(try folder.read("s"))
    #expect(
      segments.map { $0.metadata("lir.records") } == (missing == 0 ? ["1", "1", "2"] : ["2", "2"]))
  }

  @Test(arguments: StreamSample.all, [0, 1, 1023, 1024, 1025])
  func roundTrip(sample: StreamSample, count: Int) throws {
    for compression in [Compression.none, .zstd(level: 1), .lz4(level: 0)] {
      let reading = try StreamReading(try sample.bytes(0..<count, compression))
      #expect(reading.failure == nil)
      #expect(reading.records == (0..<count).map(sample.record))
      // An empty member has one segment, which says what it would have held.
      #expect(reading.segments.count == max(1, (count + 1023) / 1024))
      #expect(reading.descriptions.allSatisfy { $0 == sample.settings })
    }
  }

  /// Records without items: several empty tensors start where the next one does.
  @Test(arguments: StreamSample.all.filter(\.schema.isRagged))
  func emptyRecords(sample: StreamSample) throws {
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: Compression.none), schema: sample.schema,
      description: sample.settings)
    for index in 0..<3 {
      try writer.append(
        id: Array("id\(index)".utf8), items: 0,
        sample.schema.columns.map { $0.isRagged ? [] : .init(repeating: 0, count: $0.itemSize) })
    }
    try writer.finish()
    let reading = StreamReading(path: folder("s"))
    #expect(reading.failure == nil)
    #expect(reading.records.map(\.items) == [0, 0, 0])
  }

  @Test func bytesDoNotDependOnCompression() throws {
    let sample = StreamSample.small
    let plain = try sample.bytes(0..<1500)
    for compression in [Compression.zstd(level: 3), .lz4(level: 0)] {
      let folder = try TemporaryFolder()
      try folder.write("s", try sample.bytes(0..<1500, compression))
      let reader = try ByteReader(folder("s"))
      var decoded = [UInt8](repeating: 0, count: plain.count + 1)
      let count = try decoded.withUnsafeMutableBytes { try reader.readFully(into: $0) }
      #expect(Array(decoded[..<count]) == plain)
      // Two segments and the end, a frame each.
      #expect(reader.frameBoundaries.count == 3)
    }
  }
}
