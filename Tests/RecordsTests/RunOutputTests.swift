import Failures
import Records
import Streams
import TestSupport
import Testing

@Suite struct RunOutputTests {
  /// Three texts of whole queries, as a partial output has them.
  private static let texts = [
    "q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 t\n", "q2 Q0 d1 1 3 t\nq3 Q0 d2 1 2 t\nq3 Q0 d3 2 1 t\n",
    "q10 Q0 d1 1 1 t\n",
  ]

  /// The file of the texts, and what is whole behind each.
  private static func partial(
    _ texts: [String], in folder: TemporaryFolder
  ) throws -> (bytes: [UInt8], points: [RunResumePoint]) {
    let path = folder("partial.zst")
    var points = [RunResumePoint()]
    var bytes: [UInt8] = []
    for text in texts {
      let writer = try ByteWriter(path, compression: .zstd(level: 1), checksumText: true)
      try writer.write(text)
      try writer.finishText(records: 0, provenance: nil)
      bytes += try folder.read("partial.zst")
      let lines = text.split(separator: "\n")
      var point = points[points.count - 1]
      point.bytes = bytes.count
      point.lines += lines.count
      let query = lines[lines.count - 1].split(separator: " ")[0]
      point.lastQuery = RecordID(Array(query.utf8))
      points.append(point)
    }
    return (bytes, points)
  }

  /// Wherever a run was cut, the texts in front of the cut count.
  @Test func everyPrefixOfARun() throws {
    let folder = try TemporaryFolder()
    let (bytes, points) = try Self.partial(Self.texts, in: folder)
    for length in 0...bytes.count {
      let found = try RunResumePoint.find(in: folder.write("run", Array(bytes[..<length])))
      #expect(found == points.last { $0.bytes <= length }, "\(length) bytes")
    }
  }

  /// Whatever byte is changed, the texts in front of it count, and no other; but for bits that mean
  /// nothing, with which all texts are as they were.
  @Test func everyChangedByteOfARun() throws {
    let folder = try TemporaryFolder()
    let (bytes, points) = try Self.partial(Self.texts, in: folder)
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 0x11
      let found = try RunResumePoint.find(in: folder.write("run", changed))
      let isHarmless =
        found == points.last && (try? Self.text(folder("run"))) == Self.texts.joined()
      #expect(isHarmless || found == points.last { $0.bytes <= place }, "byte \(place)")
    }
  }

  private static func text(_ path: String) throws -> String {
    let reader = LineReader(try ByteReader(path))
    var bytes: [UInt8] = []
    while let block = try reader.next() { bytes += block.bytes }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Lines are counted over the pieces that a text is read by.
  @Test func aRunOfSeveralPieces() throws {
    let documents = 5000
    let texts = (0..<9).map { query in
      (0..<documents).map { "query\(query) Q0 doc\($0) 1 1 t\n" }.joined()
    }
    let folder = try TemporaryFolder()
    let (bytes, points) = try Self.partial(texts, in: folder)
    let path = try folder.write("run", Array(bytes.dropLast(3)))
    #expect(try RunResumePoint.find(in: path) == points[8])
    #expect(points[8].lines == 8 * documents)
  }

  private static func documents(_ query: Int) -> [ScoredDocument] {
    (0...query).map { ScoredDocument(id: RecordID(Array("d\($0)".utf8)), score: Float(-$0)) }
  }

  /// Writes the queries up to `end` that are not yet there; finishes, or stops as a kill does.
  ///
  /// - Returns: The last query that was there.
  @discardableResult
  private static func write(
    _ target: String, _ compression: Compression = .none, resume: Bool = true, work: String = "w",
    upTo end: Int, finishes: Bool
  ) throws -> RecordID? {
    let output = try RunOutput(
      target, compression: compression,
      continuing: resume ? WorkDescription([.init(.option, "max-length", work)]) : nil, tag: "t",
      provenance: "[]")
    let ids = (0..<end).map { RecordID(Array("q\($0)".utf8)) }
    let first = output.resumeAfter.flatMap(ids.firstIndex(of:)).map { $0 + 1 } ?? 0
    for query in first..<end { try output.append(query: ids[query], documents(query)) }
    if finishes { try output.finish() } else { try output.checkpoint() }
    return output.resumeAfter
  }

  /// A run that was stopped and continued has the bytes of one that was not.
  @Test(arguments: [Compression.none, .zstd(level: 3), .lz4(level: 0)])
  func continuesBehindTheLastWholeQuery(compression: Compression) throws {
    let folder = try TemporaryFolder()
    let (whole, parts) = (folder("whole"), folder("parts"))
    try Self.write(whole, compression, resume: false, upTo: 6, finishes: true)
    try #expect(Self.write(parts, compression, upTo: 4, finishes: false) == nil)
    try #expect(Self.write(parts, compression, upTo: 5, finishes: false) == "q3")
    #expect(!WholeFile.exists(parts))
    try #expect(Self.write(parts, compression, upTo: 6, finishes: true) == "q4")
    #expect(try folder.read("parts") == folder.read("whole"))
    for name in [".parts.partial", ".parts.partial.work"] {
      #expect(!WholeFile.exists(folder(name)))
    }
  }

  /// A stop before the first queries are kept begins afresh.
  @Test func continuesFromNothing() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder("whole"), resume: false, upTo: 3, finishes: true)
    try Self.write(folder("parts"), upTo: 0, finishes: false)
    try #expect(Self.write(folder("parts"), upTo: 3, finishes: true) == nil)
    #expect(try folder.read("parts") == folder.read("whole"))
  }

  /// Other work does not continue what is there.
  @Test func refusesOtherWork() throws {
    let folder = try TemporaryFolder()
    let target = folder("run")
    try Self.write(target, upTo: 2, finishes: false)
    let failure = #expect(throws: Failure.self) {
      try Self.write(target, work: "other", upTo: 2, finishes: true)
    }
    #expect(failure?.status == .config)
    #expect(failure?.place?.hasSuffix(".run.partial") == true)
    #expect(failure?.message.hasSuffix("other work: --max-length is other, was w") == true)
  }
}
