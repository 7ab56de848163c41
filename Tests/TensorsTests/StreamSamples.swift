import Failures
import JSON
import Streams
import Tensors
import TestSupport

/// One record as a test keeps it.
struct SampleRecord: Equatable {
  var id: [UInt8]
  var items: Int
  /// Bytes of each column.
  var columns: [[UInt8]]
}

/// Streams of every kind, with numbers that depend on the record and the byte alone.
struct StreamSample: CustomStringConvertible {
  let name: String
  let schema: StreamSchema
  var description: String { name }

  static let all = [
    StreamSample(name: "tokens", schema: .tokens),
    StreamSample(name: "sparse", schema: .sparse),
    StreamSample(name: "dense F32", schema: .dense(.f32, dimension: 3)),
    StreamSample(name: "dense F16", schema: .dense(.f16, dimension: 3)),
    StreamSample(name: "dense BF16", schema: .dense(.bf16, dimension: 1)),
    StreamSample(name: "dense I8", schema: .dense(.i8, dimension: 5)),
    StreamSample(
      name: "multivector", schema: .multivector(.f32, dimension: 2, withTokens: false)),
    StreamSample(
      name: "multivector F16", schema: .multivector(.f16, dimension: 2, withTokens: true)),
    StreamSample(name: "coil", schema: .coil(clsDimension: 2, dimension: 3)),
  ]

  static let small = StreamSample(name: "sparse", schema: .sparse)

  func record(_ index: Int) -> SampleRecord {
    let items = schema.isRagged ? index * 7 % 4 : 1
    let id = Array("d\(index)".utf8)
    if schema.kind == .sparse {
      let terms = (0..<items).map { Int32(index * 7 + $0) }
      let values = (0..<items).map { Float(index * 31 + $0) / 8 }
      return SampleRecord(
        id: id, items: items,
        columns: [terms.withUnsafeBytes { Array($0) }, values.withUnsafeBytes { Array($0) }])
    }
    return SampleRecord(
      id: id, items: items,
      columns: schema.columns.enumerated().map { place, column in
        let count = column.itemSize * (column.isRagged ? items : 1)
        return (0..<count).map { UInt8(truncatingIfNeeded: index &* 31 &+ place &* 7 &+ $0) }
      })
  }

  var settings: StreamDescription {
    var description = StreamDescription(role: .doc)
    description.model = "0123456789abcdef0123456789abcdef"
    switch schema.kind {
    case .sparse: description.dim = 30_000
    case .dense, .multivector: description.dim = schema.columns[0].width
    case .tokens, .coil: break
    }
    description.prompt = "say \"lir.xxh3\":\"0000000000000000\"\n"
    return description
  }

  /// Bytes of a member with records `range`.
  func bytes(
    _ range: Range<Int>, _ compression: Compression = .none, _ description: StreamDescription? = nil
  ) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: compression), schema: schema,
      description: description ?? settings)
    for index in range { try writer.append(record(index)) }
    try writer.finish()
    return try folder.read("s")
  }
}

extension TensorStreamWriter {
  func append(_ record: SampleRecord) throws(Failure) {
    try append(id: record.id, items: record.items, record.columns)
  }
}

/// Records that can be read from bytes, and the failure after them if there is one.
struct StreamReading {
  var records: [SampleRecord] = []
  var segments: [(first: Int, records: Int)] = []
  var descriptions: [StreamDescription] = []
  var failure: Failure?

  /// Reads a file that holds the bytes.
  init(_ bytes: [UInt8]) throws {
    let folder = try TemporaryFolder()
    self.init(path: try folder.write("stream", bytes))
  }

  /// Failure of reading a file to its end, without looking at the records; nil if there is none.
  static func failure(_ path: String) -> Failure? {
    do throws(Failure) {
      let reader = try TensorStreamReader(path)
      while try reader.next() != nil {}
      return nil
    } catch { return error }
  }

  init(path: String) {
    do throws(Failure) {
      let reader = try TensorStreamReader(path)
      while let segment = try reader.next() {
        segments.append((segment.first, segment.records))
        descriptions.append(segment.description)
        for index in 0..<segment.records {
          records.append(
            SampleRecord(
              id: segment.id(index), items: segment.schema.isRagged ? segment.items(index) : 1,
              columns: segment.schema.columns.indices.map {
                segment.values(index, column: $0, as: UInt8.self)
              }))
        }
      }
    } catch { failure = error }
  }
}

/// A segment taken apart by nobody's code but the test's.
struct RawSegment {
  var header: [UInt8]
  var data: [UInt8]

  var bytes: [UInt8] {
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }

  var json: JSON? { try? JSONParser.parse(header) }

  func metadata(_ key: String) -> String? { json?["__metadata__"]?[key]?.string }

  /// Cuts an uncompressed stream into its segments.
  static func split(_ bytes: [UInt8]) throws -> [RawSegment] {
    var segments: [RawSegment] = []
    var start = 0
    while start < bytes.count {
      let length = bytes[start..<start + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = Array(bytes[start + 8..<start + 8 + length])
      let json = try JSONParser.parse(header)
      let ends = (json.members ?? []).compactMap {
        $0.value["data_offsets"]?.array?.last?.integer
      }
      let dataStart = start + 8 + length
      let end = dataStart + (ends.max() ?? 0)
      segments.append(RawSegment(header: header, data: Array(bytes[dataStart..<end])))
      start = end
    }
    return segments
  }

  /// Puts a checksum that fits into the header: XXH3-64 of the header, the digits being zeros, and
  /// data.
  mutating func seal() {
    let key = Array("\"lir.xxh3\":\"".utf8)
    var place: Int?
    for start in header.indices.dropLast(key.count + 16) where place == nil {
      if header[start..<start + key.count].elementsEqual(key) { place = start + key.count }
    }
    guard let place else { return }
    header.replaceSubrange(place..<place + 16, with: repeatElement(UInt8(ascii: "0"), count: 16))
    let digits = Checksum.hex(Checksum.xxh3(header + data))
    header.replaceSubrange(place..<place + 16, with: digits.utf8)
  }
}

/// Numbers that look random and are the same in every run: splitmix64.
struct SampleRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
