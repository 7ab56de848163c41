import Failures
import JSON
import TestSupport
import Testing
import Training
import Workers

/// What a model is worth while it is trained, by the scores that the reference gives before its first
/// step: 40.0, 50.0, 48.2 for the documents of one query and 59.6, 55.1, 70.1 for the other's.
@Suite struct ValidationTests {
  private let scratch: TemporaryFolder
  private let test: TrainingCase

  init() throws {
    scratch = try TemporaryFolder()
    test = try TrainingCase(fixture("training/coil_bert"))
    let batch = try #require(test.inputs["batches"]?.array?[test.batchOrder[0]])
    let queries = try #require(batch["queries"]?.array)
    let docs = try #require(batch["docs"]?.array?.flatMap { $0.array ?? [] })
    func lines(_ prefix: String, _ texts: [JSON]) -> String {
      texts.enumerated().map { i, text in
        JSON.object([.init("id", .string("\(prefix)\(i)")), .init("text", text)]).serialized()
          + "\n"
      }.joined()
    }
    try scratch.write("queries.jsonl", lines("q", queries))
    try scratch.write("docs.jsonl", lines("d", docs))
    try scratch.write(
      "first.run",
      (0..<6).map { "q\($0 / 3) Q0 d\($0) \($0 % 3 + 1) \(9 - $0 % 3) t\n" }.joined())
    try scratch.write("qrels.txt", "q0 0 d0 1\nq1 0 d3 1\n")
    try scratch.write(
      "batch.jsonl", test.tuples().split(separator: "\n").prefix(2).joined(separator: "\n"))
  }

  private func validation(_ members: [JSON.Member]) throws -> Validation {
    let files = ["tuples", "run", "queries", "docs", "qrels"]
    let placed = members.map { member in
      guard files.contains(member.key), let name = member.value.string else { return member }
      return .init(member.key, .string(scratch(name)))
    }
    let tuples = try scratch.write("tuples.jsonl", test.tuples())
    let configuration = try test.configuration(
      tuples: tuples, [.init("validate", [.object(placed)])])
    let pool = WorkerPool(threads: 2)
    let opener = DataOpener(scratchFolder: scratch.path, pool, seed: 1) { _ in }
    return try Validation(try #require(configuration.validations.first), batchSize: 2, opener, pool)
  }

  private static let run: [JSON.Member] = [
    .init("run", "first.run"), .init("queries", "queries.jsonl"), .init("docs", "docs.jsonl"),
    .init("qrels", "qrels.txt"),
  ]

  /// The relevant documents are third and second: reciprocal ranks of 1/3 and 1/2.
  @Test func measures() throws {
    let run = try test.run(in: scratch)
    let onTuples = try validation([
      .init("tuples", "batch.jsonl"), .init("measures", ["loss", "RR", "P@1"]),
    ])
    let values = try onTuples.values(run)
    let loss = try #require(test.steps[0]["total_loss"]?.double)
    #expect(values.count == 3 && abs(values[0] - loss) < 1e-4 * loss)
    #expect(abs(values[1] - 5.0 / 12) < 1e-12 && values[2] == 0)
    let onRun = try validation(Self.run + [.init("measures", ["RR", "RR@2"])])
    let found = try onRun.values(run)
    #expect(abs(found[0] - 5.0 / 12) < 1e-12 && found[1] == 0.25)
    // With a depth of two the third documents are out of the question.
    let shallow = try validation(Self.run + [.init("measures", ["RR"]), .init("depth", 2)])
    #expect(try shallow.values(run) == [0.75])
    // Measuring changes nothing.
    #expect(try onTuples.values(run) == values)
  }

  @Test func better() throws {
    let onLoss = try validation([.init("tuples", "batch.jsonl"), .init("measures", ["loss"])])
    #expect(onLoss.isBetter(1, than: 2) && !onLoss.isBetter(2, than: 2))
    let onRun = try validation(Self.run + [.init("measures", ["RR"])])
    #expect(onRun.isBetter(2, than: 1) && !onRun.isBetter(2, than: 2))
    #expect(!onRun.isBetter(.nan, than: 1) && !onLoss.isBetter(.nan, than: 1))
  }

  @Test(
    arguments: [
      ([.init("measures", ["no_such"])], 78, "no_such"),
      ([.init("qrels", .null)], 78, "qrels is missing"),
      ([.init("docs", .null)], 78, "needs queries and docs"),
      ([.init("run", "nowhere.run")], 66, "nowhere.run"),
    ] as [([JSON.Member], Int32, String)])
  func refusals(members: [JSON.Member], status: Int32, text: String) throws {
    let keys = members.map(\.key)
    let failure = #expect(throws: Failure.self) {
      try validation(Self.run.filter { !keys.contains($0.key) } + members)
    }
    #expect(failure?.status.rawValue == status && "\(failure!)".contains(text), "\(failure!)")
  }

  /// Every text is looked for before training begins.
  @Test func missingTexts() throws {
    try scratch.write("first.run", "q0 Q0 d0 1 2 t\nq0 Q0 d77 2 1 t\n")
    let failure = #expect(throws: Failure.self) { try validation(Self.run) }
    #expect("\(failure!)".contains("d77"))
    _ = try validation(Self.run + [.init("depth", 1)])
  }

  /// Scores of a teacher are no grades.
  @Test func measuresOnScores() throws {
    let failure = #expect(throws: Failure.self) {
      try validation([
        .init("tuples", "batch.jsonl"), .init("targets", "score"), .init("measures", ["RR"]),
      ])
    }
    #expect(failure?.status == .config && failure?.message.contains("targets: order") == true)
  }
}
