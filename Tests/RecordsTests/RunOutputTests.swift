import Failures
import Records
import Streams
import TestSupport
import Testing

@Suite struct RunOutputTests {
  /// Three queries of two, three and one line.
  private static let run =
    "q1 Q0 d1 1 3 t\nq1 Q0 d2 2 2 t\nq2 Q0 d1 1 3 t\nq2 Q0 d2 2 2 t\nq2 Q0 d3 3 1 t\n"
    + "q10 Q0 d1 1 1 t\n"

  /// Wherever a run was cut, the last query that it names is done again, and nothing else.
  @Test func everyPrefixOfARun() throws {
    let folder = try TemporaryFolder()
    for length in 0...Self.run.utf8.count {
      let prefix = String(Self.run.prefix(length))
      let whole = prefix.last == "\n" || prefix.isEmpty ? prefix : Self.upToNewline(prefix)
      let lines = whole.split(separator: "\n")
      let queries = lines.map { $0.split(separator: " ")[0] }
      let kept = lines.indices.filter { queries[$0] != queries.last }
      var expected = RunResumePoint()
      expected.lines = kept.count
      expected.bytes = kept.map { lines[$0].utf8.count + 1 }.reduce(0, +)
      expected.lastQuery = kept.last.map { RecordID(Array(queries[$0].utf8)) }
      let found = try RunResumePoint.find(in: folder.write("run", prefix))
      #expect(found == expected, "\(length) bytes")
    }
  }

  private static func upToNewline(_ text: String) -> String {
    text.lastIndex(of: "\n").map { String(text[...$0]) } ?? ""
  }

  /// Bytes are counted over the blocks that a file is read by.
  @Test func aRunOfSeveralBlocks() throws {
    let documents = 5000
    let text = (0..<9).map { query in
      (0..<documents).map { "query\(query) Q0 doc\($0) 1 1 t\n" }.joined()
    }
    var expected = RunResumePoint()
    expected.lines = 8 * documents
    expected.bytes = text.dropLast().map(\.utf8.count).reduce(0, +)
    expected.lastQuery = RecordID(Array("query7".utf8))
    #expect(expected.bytes > 1 << 19)
    let folder = try TemporaryFolder()
    let path = try folder.write("run", text.joined() + "query8 Q0")
    #expect(try RunResumePoint.find(in: path) == expected)
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
      target, compression: compression, resume: resume, work: work, tag: "t", provenance: "[]")
    let ids = (0..<end).map { RecordID(Array("q\($0)".utf8)) }
    let first = output.resumeAfter.flatMap(ids.firstIndex(of:)).map { $0 + 1 } ?? 0
    for query in first..<end { try output.append(query: ids[query], documents(query)) }
    if finishes { try output.finish() } else { try output.flush() }
    return output.resumeAfter
  }

  /// A run that was stopped and continued has the bytes of one that was not.
  @Test(arguments: [Compression.none, .zstd(level: 3), .lz4(level: 0)])
  func continuesBehindTheLastWholeQuery(compression: Compression) throws {
    let folder = try TemporaryFolder()
    let (whole, parts) = (folder("whole"), folder("parts"))
    try Self.write(whole, compression, resume: false, upTo: 6, finishes: true)
    try #expect(Self.write(parts, compression, upTo: 4, finishes: false) == nil)
    try #expect(Self.write(parts, compression, upTo: 5, finishes: false) == "q2")
    #expect(!WholeFile.exists(parts))
    try #expect(Self.write(parts, compression, upTo: 6, finishes: true) == "q3")
    #expect(try folder.read("parts") == folder.read("whole"))
    for name in [".parts.partial", ".parts.partial.digest"] {
      #expect(!WholeFile.exists(folder(name)))
    }
  }

  /// A stop before the first query is whole begins afresh.
  @Test func continuesFromNothing() throws {
    let folder = try TemporaryFolder()
    try Self.write(folder("whole"), resume: false, upTo: 3, finishes: true)
    try Self.write(folder("parts"), upTo: 1, finishes: false)
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
  }
}
