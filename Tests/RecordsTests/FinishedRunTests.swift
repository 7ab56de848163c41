import Failures
import Records
import Streams
import TestSupport
import Testing

/// Runs that stand in the place of an output: whole ones, and those that are seen not to be.
@Suite struct FinishedRunTests {
  private static let lines = [
    "q1 Q0 d1 1 3 t", "q1 Q0 d2 2 2.5 t", "q1 Q0 d3 3 2.5 t", "q2 Q0 d1 1 -1e-3 t",
  ]

  private func read(_ lines: [String], end: String = "\n") throws -> FinishedRun? {
    let folder = try TemporaryFolder()
    return try FinishedRun.read(folder.write("run", lines.joined(separator: "\n") + end))
  }

  @Test func wholeRuns() throws {
    let run = try #require(try read(Self.lines))
    func answer(_ query: String, _ documents: Int) -> FinishedRun.Answer {
      FinishedRun.Answer(query: RecordID(Array(query.utf8)), documents: documents)
    }
    #expect(run.answers == [answer("q1", 3), answer("q2", 1)])
    #expect(run.tag == "t" && run.by == nil)
    #expect(!run.isCompressed && !run.isVerified)
    // The last lines of a query are gone: the number says it, and nothing else.
    #expect(
      try read([Self.lines[0], Self.lines[3]])?.answers == [answer("q1", 1), answer("q2", 1)])
  }

  @Test(arguments: [
    (1, "q1 Q0 d2 3 2.5 t"), (0, "q1 Q0 d1 0 3 t"), (3, "q2 Q0 d1 2 -1e-3 t"),
    (1, "q1 Q0 d2 2 3.5 t"), (2, "q1 Q0 d3 3 2.6 t"), (1, "q1 Q0 d2 2 nan t"),
    (1, "q1 Q0 d2 2 t"), (1, ""), (0, "q1 Q0 d1 x 3 t"),
  ])
  func linesThatAreNotAsWritten(_ place: Int, _ line: String) throws {
    var lines = Self.lines
    lines[place] = line
    #expect(try read(lines) == nil)
  }

  @Test func linesThatAreGone() throws {
    for gone in 0..<2 {
      var lines = Self.lines
      lines.remove(at: gone)
      #expect(try read(lines) == nil, "line \(gone + 1)")
    }
    #expect(try read(Self.lines, end: "") == nil)
  }

  /// A checksum says that a run is what was written; another program's compression has none of ours.
  @Test func checksums() throws {
    let folder = try TemporaryFolder()
    for (name, compression) in [
      ("run.zst", Compression.zstd(level: 1)), ("run.lz4", .lz4(level: 0)),
    ] {
      let writer = try ByteWriter(folder(name), compression: compression, checksumText: true)
      try writer.write(Self.lines.joined(separator: "\n") + "\n")
      try writer.finishText(records: 4, provenance: nil)
      #expect(try FinishedRun.read(folder(name))?.isVerified == true, "\(name)")
    }
    let foreign = try ByteWriter(folder("foreign.zst"), compression: .zstd(level: 1))
    try foreign.write(Self.lines.joined(separator: "\n") + "\n")
    try foreign.finish()
    let run = try #require(try FinishedRun.read(folder("foreign.zst")))
    #expect(run.isCompressed && !run.isVerified)
  }
}
