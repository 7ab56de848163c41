import Failures
import Foundation
import Glibc
import Streams
import Tensors
import TestSupport
import Testing

/// Whatever is not a whole stream is refused, by a failure and never by a crash.
struct StreamDamageTests {
  /// Reads the prefixes of `bytes` of these lengths, the longest first, from one file that shrinks.
  private func forPrefixes(
    _ bytes: [UInt8], _ lengths: some Sequence<Int>,
    _ body: (_ length: Int, _ path: String) throws -> Void
  ) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("s", bytes)
    for length in lengths.sorted(by: >) {
      #expect(truncate(path, off_t(length)) == 0)
      try body(length, path)
    }
  }

  private static let two = 0..<1026

  @Test func everyPrefixFails() throws {
    let bytes = try StreamSample(name: "d", schema: .dense(.i8, dimension: 1)).bytes(Self.two)
    #expect(try RawSegment.split(bytes).count == 3)
    try forPrefixes(bytes, 0..<bytes.count) { length, path in
      let failure = StreamReading.failure(path)
      #expect(failure?.status == .data, "\(length) of \(bytes.count) bytes")
      #expect(failure?.place?.hasPrefix("\(path): record ") == true)
    }
  }

  @Test(arguments: [Compression.zstd(level: 3), .lz4(level: 0)])
  func compressedPrefixesFail(compression: Compression) throws {
    let bytes = try StreamSample.small.bytes(Self.two, compression)
    let lengths = Set(0..<200).union(bytes.count - 400..<bytes.count)
      .union(stride(from: 200, to: bytes.count, by: 37))
    try forPrefixes(bytes, lengths) { length, path in
      #expect(StreamReading.failure(path)?.status == .data, "\(length) of \(bytes.count)")
    }
  }

  /// A cut at a segment's end leaves whole segments, and says how many records they have.
  @Test func cutBetweenSegments() throws {
    let bytes = try StreamSample.small.bytes(Self.two)
    let segments = try RawSegment.split(bytes)
    let whole = segments[0].bytes.count
    let reading = try StreamReading(Array(bytes[..<whole]))
    #expect(reading.records.count == 1024)
    #expect(reading.failure?.place?.hasSuffix("record 1024") == true)
    #expect(reading.failure?.message == "truncated: the stream ends without its end segment")
    let inside = try StreamReading(Array(bytes[..<(whole + 100)]))
    #expect(inside.failure?.message == "truncated: the stream ends inside a segment")
  }

  @Test func everyFlippedByteFails() throws {
    let bytes = try StreamSample.small.bytes(0..<5)
    let folder = try TemporaryFolder()
    for place in bytes.indices {
      for mask in [UInt8(0x01), 0x20, 0x80] {
        var damaged = bytes
        damaged[place] ^= mask
        let status = StreamReading(path: try folder.write("s", damaged)).failure?.status
        #expect(status == .data || status == .config, "byte \(place), mask \(mask)")
      }
    }
  }

  /// Compression has bits that change nothing; every other flip is found.
  @Test(arguments: [Compression.zstd(level: 3), .lz4(level: 0)])
  func flippedCompressedBytes(compression: Compression) throws {
    let sample = StreamSample.small
    let bytes = try sample.bytes(0..<40, compression)
    let folder = try TemporaryFolder()
    var found = 0
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 0x10
      let reading = StreamReading(path: try folder.write("s", damaged))
      if let failure = reading.failure {
        #expect(failure.status == .data || failure.status == .config)
        found += 1
      } else {
        #expect(reading.records == (0..<40).map(sample.record))
      }
    }
    #expect(found > bytes.count * 9 / 10)
  }

  // MARK: Members

  @Test(arguments: StreamSample.all)
  func concatenationsPass(sample: StreamSample) throws {
    for compression in [Compression.none, .zstd(level: 1), .lz4(level: 0)] {
      let parts = try [0..<3, 0..<0, 7..<1100].map { try sample.bytes($0, compression) }
      let reading = try StreamReading(parts.flatMap { $0 })
      #expect(reading.failure == nil)
      #expect(reading.records == (Array(0..<3) + Array(7..<1100)).map(sample.record))
    }
  }

  @Test func disagreeingMembersFail() throws {
    let sample = StreamSample.small
    let bytes = try sample.bytes(0..<3)
    func after(_ other: [UInt8]) throws -> Failure? {
      let reading = try StreamReading(bytes + other)
      #expect(reading.records.count == 3)
      #expect(reading.failure?.status == .data)
      #expect(reading.failure?.place?.hasSuffix(": record 3") == true)
      return reading.failure
    }
    var other = sample.settings
    other.role = .query
    #expect(
      try after(try sample.bytes(0..<3, .none, other))?.message
        == "the members disagree: role doc is followed by role query")
    other = sample.settings
    other.model = nil
    #expect(try after(try sample.bytes(0..<3, .none, other))?.message.contains("model") == true)
    other = sample.settings
    other.dim = 3
    #expect(
      try after(try sample.bytes(0..<3, .none, other))?.message
        == "the members disagree: dim 30000 is followed by dim 3")
    _ = try after(try StreamSample.all[0].bytes(0..<3))
    // What does not decide whether vectors compare may differ.
    other = sample.settings
    other.shard = "2/3"
    other.by = "[]"
    #expect(try StreamReading(bytes + sample.bytes(0..<3, .none, other)).failure == nil)
  }

  @Test func elementTypesDisagree() throws {
    let first = try StreamSample(name: "a", schema: .dense(.f32, dimension: 3)).bytes(0..<3)
    for schema in [StreamSchema.dense(.f16, dimension: 3), .dense(.f32, dimension: 4)] {
      let reading = try StreamReading(first + StreamSample(name: "b", schema: schema).bytes(0..<3))
      #expect(reading.failure?.status == .data)
      #expect(reading.failure?.message.hasPrefix("the members disagree: dense") == true)
    }
  }

  /// Segments in another order, left out or twice are found though each is intact.
  @Test func segmentsOfOneMember() throws {
    let bytes = try StreamSample.small.bytes(0..<2050)
    let parts = try RawSegment.split(bytes).map(\.bytes)
    #expect(try StreamReading(parts.flatMap { $0 }).failure == nil)
    for order in [
      [0, 2, 3], [1, 2, 3], [0, 1, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3], [0, 1, 2, 3, 3], [3],
    ] {
      let failure = try StreamReading(order.flatMap { parts[$0] }).failure
      #expect(failure?.status == .data, "\(order)")
    }
  }

  @Test func newerFormat() throws {
    var segments = try RawSegment.split(try StreamSample.small.bytes(0..<2))
    let text = String(decoding: segments[0].header, as: UTF8.self)
    segments[0].header = Array(
      text.replacingOccurrences(of: "\"lir.format\":\"1\"", with: "\"lir.format\":\"2\"").utf8)
    segments[0].seal()
    let failure = try StreamReading(segments.flatMap(\.bytes)).failure
    #expect(failure?.status == .config)
    #expect(failure?.message == "the stream has format 2, this tool knows 1")
  }

  // MARK: Absurd headers

  @Test func absurdLengths() throws {
    for length in [UInt64.max, 1 << 62, 1 << 32, 16 << 20 + 1, 1, 0] as [UInt64] {
      let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
      #expect(try StreamReading(bytes).failure?.status == .data, "\(length)")
    }
    // A header that promises gigabytes of data which do not come.
    for count in [1 << 30, 1 << 40, 1 << 60] {
      let header =
        #"{"__metadata__":{"lir.format":"1","lir.kind":"dense","lir.xxh3":"0000000000000000"},"#
        + #""ids":{"data_offsets":[0,\#(count)],"dtype":"U8","shape":[\#(count)]}}"#
      let failure = try StreamReading(SafeTensorsBuilder.blob(header: header, data: [])).failure
      #expect(failure?.status == .data)
    }
  }

  @Test func randomMutations() throws {
    var random = SampleRandom(state: 1)
    let samples = try StreamSample.all.map { try $0.bytes(0..<4) }
    let folder = try TemporaryFolder()
    for _ in 0..<2000 {
      let bytes = samples.randomElement(using: &random) ?? []
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<damaged.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[place] = UInt8.random(in: 0...255, using: &random)
        case 1: damaged.remove(at: place)
        case 2: damaged.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default:
          let end = min(damaged.count, place + Int.random(in: 1...64, using: &random))
          damaged.replaceSubrange(place..<end, with: damaged[..<(end - place)].reversed())
        }
      }
      let failure = StreamReading(path: try folder.write("s", damaged)).failure
      #expect((failure == nil) == (damaged == bytes))
      #expect(failure == nil || failure?.status == .data || failure?.status == .config)
    }
  }

  /// Damage under a checksum that fits: what a writer with a mistake, or an enemy, may send.
  @Test func sealedMutations() throws {
    var random = SampleRandom(state: 2)
    let samples = try StreamSample.all.map { try RawSegment.split(try $0.bytes(0..<4)) }
    let numbers = [
      "0", "1", "-1", "3", "255", "65536", "4294967296", "9223372036854775807",
      "1152921504606846976", "99999999999999999999", "1e300", "0.5", "null", "\"x\"", "[]",
    ]
    let folder = try TemporaryFolder()
    var failures = 0
    for _ in 0..<2000 {
      var segments = samples.randomElement(using: &random) ?? []
      let index = Int.random(in: 0..<segments.count, using: &random)
      if !segments[index].data.isEmpty, Bool.random(using: &random) {
        let place = Int.random(in: 0..<segments[index].data.count, using: &random)
        segments[index].data[place] = UInt8.random(in: 0...255, using: &random)
      } else {
        let words = numbers + ["F64", "BOOL", "U8", "query", "tokens", "coil", "end", "F32"]
        let run = Self.word(in: segments[index].header, using: &random)
        segments[index].header.replaceSubrange(
          run, with: (words.randomElement(using: &random) ?? "").utf8)
      }
      segments[index].seal()
      let reading = StreamReading(path: try folder.write("s", segments.flatMap(\.bytes)))
      if let failure = reading.failure {
        failures += 1
        #expect(failure.status == .data || failure.status == .config, "\(failure)")
      }
    }
    #expect(failures > 1000)
  }

  /// A run of letters and digits of a header, as a number, a type or a name is.
  private static func word(in header: [UInt8], using random: inout SampleRandom) -> Range<Int> {
    func isWord(_ place: Int) -> Bool {
      guard header.indices.contains(place) else { return false }
      return UnicodeScalar(header[place]).properties.isAlphabetic
        || (0x30...0x39).contains(header[place])
    }
    var start = Int.random(in: header.indices, using: &random)
    while !isWord(start) { start = (start + 1) % header.count }
    var end = start
    while isWord(end) { end += 1 }
    while isWord(start - 1) { start -= 1 }
    return start..<end
  }

  /// Tensors of no elements and enormous width.
  @Test func emptyAndWide() throws {
    let width = 1 << 60
    for (kind, type) in [("dense", "F64"), ("multivector", "F64"), ("multivector", "F32")] {
      let offsets = [UInt8](repeating: 0, count: kind == "dense" ? 8 : 32)
      let count = kind == "dense" ? 0 : 1
      var header = #"{"__metadata__":{"lir.first":"0","lir.format":"1","lir.kind":"\#(kind)","#
      header += #""lir.records":"\#(count)","lir.role":"doc","lir.xxh3":"0000000000000000"},"#
      let end = 8 * (count + 1)
      header += #""id_offsets":{"data_offsets":[0,\#(end)],"dtype":"I64","shape":[\#(count + 1)]},"#
      if kind == "multivector" {
        header += #""offsets":{"data_offsets":[16,32],"dtype":"I64","shape":[2]},"#
      }
      let place = offsets.count
      header += #""embeddings":{"data_offsets":[\#(place),\#(place)],"dtype":"\#(type)","#
      header += #""shape":[0,\#(width)]},"ids":{"data_offsets":[\#(place),\#(place)],"#
      header += #""dtype":"U8","shape":[0]}}"#
      var segment = RawSegment(header: Array(header.utf8), data: offsets)
      segment.seal()
      let failure = try StreamReading(segment.bytes).failure
      #expect(failure?.status == .data)
      #expect(
        failure?.message.hasPrefix("the tensors do not fit a stream of kind \(kind): ") == true)
    }
  }
}
