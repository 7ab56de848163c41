import Failures
import Glibc
import Streams
import Tensors
import TestSupport
import Testing

/// A killed writer leaves a prefix; going on from it gives the bytes of one that was not killed.
struct ResumeTests {
  private static let count = 2100

  /// Bytes that a writer that goes on from `point` writes.
  private func rest(
    _ sample: StreamSample, _ point: ResumePoint, _ compression: Compression
  ) throws -> [UInt8] {
    let folder = try TemporaryFolder()
    let writer = TensorStreamWriter(
      try ByteWriter(folder("s"), compression: compression), schema: sample.schema,
      description: sample.settings, after: point.finished)
    #expect(writer.records == point.finished.records)
    for index in point.finished.records..<Self.count { try writer.append(sample.record(index)) }
    try writer.finish()
    return try folder.read("s")
  }

  @Test(arguments: [Compression.none, .zstd(level: 3), .lz4(level: 0)])
  func everyPrefix(compression: Compression) throws {
    let sample = StreamSample(name: "d", schema: .dense(.i8, dimension: 1))
    let bytes = try sample.bytes(0..<Self.count, compression)
    let folder = try TemporaryFolder()
    let path = try folder.write("s.partial", bytes)
    var rests: [Int: [UInt8]] = [:]
    var points: Set<Int> = []
    // Every length near the ends of frames, which are where mistakes would be, and some between.
    let ends = try frameEnds(sample, bytes, compression)
    #expect(ends.count == 4)
    var lengths = Set(stride(from: 0, through: bytes.count, by: 97))
    for end in [0] + ends {
      lengths.formUnion(max(0, end - 300)...min(bytes.count, end + 300))
    }
    for length in lengths.sorted(by: >) {
      #expect(truncate(path, off_t(length)) == 0)
      let point = try ResumePoint.find(in: path)
      #expect(point.bytes <= length)
      #expect(point.isComplete == (length == bytes.count), "\(length) bytes")
      points.insert(point.finished.segments)
      // No whole segment is thrown away.
      #expect(point.finished.segments == ends.dropLast().count { $0 <= length }, "\(length) bytes")
      #expect(point.finished.records == min(Self.count, 1024 * point.finished.segments))
      if point.isComplete { continue }
      if rests[point.bytes] == nil { rests[point.bytes] = try rest(sample, point, compression) }
      let whole = Array(bytes[..<point.bytes]) + (rests[point.bytes] ?? [])
      #expect(whole == bytes, "\(length) bytes")
    }
    #expect(points == [0, 1, 2, 3])
  }

  /// Offsets in the (compressed) file at which its segments end, the end segment included.
  private func frameEnds(
    _ sample: StreamSample, _ bytes: [UInt8], _ compression: Compression
  ) throws -> [Int] {
    if compression == .none {
      var end = 0
      return try RawSegment.split(bytes).map { segment in
        end += segment.bytes.count
        return end
      }
    }
    let folder = try TemporaryFolder()
    let reader = try ByteReader(try folder.write("s", bytes))
    var sink = [UInt8](repeating: 0, count: 1 << 20)
    _ = try sink.withUnsafeMutableBytes { try reader.readFully(into: $0) }
    return reader.frameBoundaries
  }

  /// A torn end: not only less than there should be, but something else.
  @Test func tornEnd() throws {
    let sample = StreamSample.small
    let bytes = try sample.bytes(0..<Self.count)
    let first = try RawSegment.split(bytes)[0].bytes.count
    var torn = bytes
    for place in first + 500..<torn.count { torn[place] = 0 }
    let folder = try TemporaryFolder()
    let point = try ResumePoint.find(in: try folder.write("s", torn))
    #expect(point.finished.segments == 1)
    #expect(point.bytes == first)
    #expect(Array(bytes[..<first]) + (try rest(sample, point, .none)) == bytes)
  }

  /// Points are those that were put in, across members, and do not hold each other's checksums.
  @Test func pointsAreSmall() {
    var points = ResumePoint.Points()
    var expected = [ResumePoint()]
    var finished = FinishedSegments()
    for segment in 0..<500 {
      if segment == 200 { finished = FinishedSegments() }
      finished.records += 1024
      finished.segments += 1
      finished.checksums += Checksum.hex(UInt64(segment)).utf8
      points.append(finished, bytes: 77 * segment)
      var point = ResumePoint()
      point.finished = finished
      point.bytes = 77 * segment
      expected.append(point)
    }
    #expect((0...500).map(points.point) == expected)
    #expect(points.size <= 500 * 40)
  }

  private static func work(_ input: String) -> WorkDescription {
    WorkDescription([.init(.input, "model", input)])
  }

  @Test func partialFile() throws {
    let sample = StreamSample.small
    let expected = try sample.bytes(0..<Self.count)
    let folder = try TemporaryFolder()
    let target = folder("out.lirt")
    do {
      let partial = try PartialFile(of: target, work: Self.work("d"))
      let output = try OutputFile(partial, keep: 0)
      try expected[..<20_000].withUnsafeBytes { try output.write($0) }
    }
    let failure = #expect(throws: Failure.self) {
      try PartialFile(of: target, work: Self.work("e"))
    }
    #expect(failure?.status == .config)
    let partial = try PartialFile(of: target, work: Self.work("d"))
    let point = try ResumePoint.find(in: partial.path)
    let writer = TensorStreamWriter(
      ByteWriter(try OutputFile(partial, keep: point.bytes), compression: .none),
      schema: sample.schema, description: sample.settings, after: point.finished)
    for index in point.finished.records..<Self.count { try writer.append(sample.record(index)) }
    try writer.finish()
    #expect(try folder.read("out.lirt") == expected)
  }
}
