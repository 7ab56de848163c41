import Failures
import Indexes
import Records
import Retrieval
import Streams
import TestSupport
import Testing
import Vectors

@Suite struct RunSearchTests {
  private let sample: IndexSample

  init() throws {
    sample = try IndexSample(Flat.self)
    try sample.build("i")
  }

  private func output(_ name: String, resume: Bool) throws -> RunOutput {
    try RunOutput(
      sample.folder(name), compression: .none,
      continuing: resume ? WorkDescription([.init(.fact, "work", "w")]) : nil, tag: "t",
      provenance: nil)
  }

  /// Searches queries in blocks; those of `rows` alone.
  private func search(
    _ output: RunOutput, _ blocks: [Range<Int>], finishing: Bool = true
  ) throws -> Int {
    var search = RunSearch(
      FusedAnswers(try SearchAnswers(sample.open("i"), SearchAnswers.Options(k: 3))), output,
      RunSearch.Place(input: "queries", target: "target"))
    var count = 0
    for rows in blocks {
      count += try search.search(
        ids: rows.map { Array("q\($0)".utf8) }, [sample.queries[rows]])
    }
    try search.finish()
    if finishing { try output.finish() }
    return count
  }

  /// What a checkpoint has kept of a run is not searched again.
  @Test(arguments: [[0..<7], [0..<3, 3..<7], [0..<2, 2..<4, 4..<7]] as [[Range<Int>]])
  func resumed(blocks: [Range<Int>]) throws {
    #expect(try search(output("whole", resume: false), [0..<7]) == 7)
    let whole = try sample.folder.read("whole")
    var killed: RunOutput? = try output("run", resume: true)
    #expect(try search(#require(killed), [0..<4], finishing: false) == 4)
    killed = nil
    let resumed = try output("run", resume: true)
    #expect(resumed.resumeAfter == RecordID("q3"))
    #expect(try search(resumed, blocks) == 3)
    #expect(try sample.folder.read("run") == whole)
  }

  @Test func aResumedRunWhosePlaceIsUnknown() throws {
    var killed: RunOutput? = try output("run", resume: true)
    _ = try search(#require(killed), [0..<4], finishing: false)
    killed = nil
    let resumed = try output("run", resume: true)
    let failure = #expect(throws: Failure.self) { try search(resumed, [4..<7]) }
    #expect(failure?.status == .data)
    #expect(failure?.message == "the partial run ends with query q3, unknown here")
  }

  @Test func aQueryThatOccursTwice() throws {
    let output = try output("run", resume: false)
    let failure = #expect(throws: Failure.self) { try search(output, [0..<3, 2..<4]) }
    #expect(failure?.message == "query q2 occurs twice")
    #expect(failure?.place == "queries")
  }
}
