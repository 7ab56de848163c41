import Failures
import JSON
import Synchronization
import TestSupport
import Testing
import Training
import TrainingData
import Workers

@Suite struct DataOpenerTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("queries.tsv", "q1\tfirst\nq2\tsecond\nq3\tthird\n")
    try folder.write("docs.tsv", (1...9).map { "d\($0)\ttext \($0)\n" }.joined())
    try folder.write(
      "a.run",
      ["q1", "q2", "q3"].map { query in
        (1...4).map { "\(query) Q0 d\($0) \($0) \(9 - $0) t\n" }.joined()
      }.joined())
    try folder.write("qrels.txt", "q1 0 d2 2\nq1 0 d9 1\nq2 0 d7 0\n")
  }

  /// The tuples of a `data` mapping, and what was warned of.
  private func open(_ data: [JSON.Member]) throws -> (tuples: any TupleSource, warned: [String]) {
    let members = data.map { member in
      let files = ["tuples", "run", "queries", "docs", "qrels"]
      guard files.contains(member.key), let name = member.value.string else { return member }
      return .init(member.key, .string(folder(name)))
    }
    let configuration = try TrainingConfiguration(
      .object([
        .init("model", "m"), .init("losses", [["name": "RankNet"]]),
        .init("data", .object(members)),
      ]), file: nil)
    let warned = Mutex<[String]>([])
    let opener = DataOpener(scratchFolder: folder.path, WorkerPool(threads: 2), seed: 3) { text in
      warned.withLock { $0.append(text) }
    }
    let tuples = try opener.tuples(configuration.data)
    return (tuples, warned.withLock { $0 })
  }

  private func ids(_ tuple: TrainingTuple) -> [String] {
    tuple.documents.map { String(decoding: ($0.id ?? "-").bytes, as: UTF8.self) }
  }

  private static let run: [JSON.Member] = [
    .init("run", "a.run"), .init("queries", "queries.tsv"), .init("docs", "docs.tsv"),
  ]

  @Test func runWithJudgements() throws {
    let (tuples, warned) = try open(
      Self.run + [
        .init("qrels", "qrels.txt"), .init("sample_size", 3), .init("sampling", "top"),
        .init("targets", "relevance"),
      ])
    // q3 is not judged; q2 has no relevant document, which ranks by relevance do not mind.
    #expect(tuples.documents == 3)
    let first = try tuples.tuple(0, epoch: 0)
    #expect(String(decoding: first.query, as: UTF8.self) == "first")
    #expect(ids(first) == ["d1", "d2", "d3"])
    #expect(first.documents.map(\.target) == [0, 2, 0])
    #expect(String(decoding: first.documents[1].text, as: UTF8.self) == "text 2")
    #expect(warned.contains { $0.contains("a.run: 1 queries are not judged and are left out") })
  }

  @Test func scoresOfTheRun() throws {
    let (tuples, warned) = try open(
      Self.run + [
        .init("sample_size", 2), .init("sampling", "top"), .init("targets", "score"),
      ])
    #expect(tuples.count == 3 && warned.isEmpty)
    #expect(try tuples.tuple(2, epoch: 0).documents.map(\.target) == [8, 7])
  }

  @Test func shortRuns() throws {
    try folder.write("b.run", "q1 Q0 d1 1 9 t\nq2 Q0 d1 1 9 t\nq2 Q0 d2 2 8 t\n")
    let members =
      Self.run.dropFirst() + [
        .init("run", "b.run"), .init("sample_size", 2), .init("sampling", "top"),
        .init("targets", "score"),
      ]
    let (tuples, warned) = try open(Array(members))
    #expect(tuples.count == 1)
    #expect(warned.contains { $0.contains("b.run: 1 queries have too few documents to sample") })
  }

  @Test func tuplesOfIDs() throws {
    try folder.write("t", "q2\td3\td5\n")
    let (tuples, warned) = try open([
      .init("tuples", "t"), .init("queries", "queries.tsv"), .init("docs", "docs.tsv"),
    ])
    #expect(tuples.count == 1 && warned.isEmpty)
    let tuple = try tuples.tuple(0, epoch: 5)
    #expect(ids(tuple) == ["d3", "d5"] && tuple.documents.map(\.target) == [1, 0])
    #expect(String(decoding: tuple.documents[1].text, as: UTF8.self) == "text 5")
  }

  @Test func whatIsMissing() throws {
    let failure = #expect(throws: Failure.self) {
      try open([.init("run", "nowhere.run")] + Self.run.dropFirst() + [.init("targets", "score")])
    }
    #expect(failure?.status == .noInput)
    try folder.write("c.run", "q1 Q0 d77 1 9 t\nq1 Q0 d1 2 8 t\n")
    let text = #expect(throws: Failure.self) {
      let (tuples, _) = try open(
        [.init("run", "c.run")] + Self.run.dropFirst() + [
          .init("targets", "score"), .init("sample_size", 2), .init("sampling", "top"),
        ])
      _ = try tuples.tuple(0, epoch: 0)
    }
    #expect(text?.status == .data && "\(text!)".contains("d77"))
  }
}
