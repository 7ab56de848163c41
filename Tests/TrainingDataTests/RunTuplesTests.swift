import Failures
import Records
import Testing
import TrainingData

@Suite struct RunTuplesTests {
  /// Query b with documents 1 to 4, query a with 1 to 3; c has no judgements.
  private func run() throws -> Run {
    var builder = RunBuilder(name: "run")
    for (query, count) in [("b", 4), ("a", 3), ("c", 4)] {
      for doc in 1...count {
        builder.add(query: RecordID(query), doc: RecordID("\(doc)"), score: 10 - Float(doc))
      }
    }
    return try builder.finish()
  }

  private func qrels(_ lines: [(String, String, String, Int)]) throws -> Qrels {
    var builder = QrelsBuilder(name: "qrels", repeated: .subtopics)
    for (i, (query, iteration, doc, grade)) in lines.enumerated() {
      Array(query.utf8).withUnsafeBytes { query in
        Array(iteration.utf8).withUnsafeBytes { iteration in
          Array(doc.utf8).withUnsafeBytes { doc in
            builder.add(
              query: query, doc: doc, grade: grade, iteration: iteration, file: "qrels", line: i + 1
            )
          }
        }
      }
    }
    return try builder.finish()
  }

  private func tuples(
    _ judged: [(String, String, String, Int)], _ targets: TargetKind,
    _ change: (inout RunTuples.Options) -> Void = { _ in }
  ) throws -> RunTuples {
    var options = RunTuples.Options(targets: targets)
    options.needsTexts = false
    change(&options)
    return try RunTuples(
      try run(), qrels: judged.isEmpty ? nil : try qrels(judged), options, queries: nil, docs: nil)
  }

  private let judged = [("a", "0", "2", 2), ("b", "0", "4", 1), ("b", "0", "9", 3)]

  @Test func queriesAreSortedAndJudged() throws {
    let tuples = try tuples(judged, .relevance) { $0.sampleSize = 3 }
    #expect(tuples.count == 2 && tuples.leftOut.unjudged == 1)
    let first = try tuples.tuple(0, epoch: 0)
    #expect(first.queryID == "a" && first.documents.map { $0.id } == ["1", "2", "3"])
    #expect(first.documents.map(\.target) == [0, 2, 0])
  }

  @Test func shortRankingsAreLeftOut() throws {
    let tuples = try tuples(judged, .score) { $0.sampleSize = 4 }
    #expect(tuples.count == 1 && tuples.leftOut.short == 1)
    #expect(try tuples.tuple(0, epoch: 0).documents.map(\.target) == [9, 8, 7, 6])
  }

  @Test func judgedDocumentsJoin() throws {
    let tuples = try tuples(judged, .relevance) {
      $0.sampleSize = 5
      $0.addsJudged = true
    }
    let tuple = try tuples.tuple(0, epoch: 0)
    #expect(tuples.count == 1 && tuple.documents.map { $0.id } == ["1", "2", "3", "4", "9"])
    #expect(tuple.documents.map(\.target) == [0, 0, 0, 1, 3])
  }

  /// depth − rank + 1, as `RunDataset` has it.
  @Test func ranksAreTurnedRound() throws {
    let tuples = try tuples([], .rank) {
      $0.depth = 3
      $0.sampleSize = 3
    }
    #expect(tuples.count == 3)
    #expect(try tuples.tuple(1, epoch: 0).documents.map(\.target) == [3, 2, 1])
  }

  @Test func targetsAreScaled() throws {
    let tuples = try tuples([], .score) {
      $0.sampleSize = 3
      $0.normalizesTargets = true
    }
    #expect(try tuples.tuple(0, epoch: 0).documents.map(\.target) == [1, 0.5, 0])
  }

  /// The largest grade over subtopics counts, 0 being that of a subtopic without one.
  @Test func subtopicsCountByTheLargestGrade() throws {
    let tuples = try tuples(
      [("a", "1", "1", 1), ("a", "2", "1", 3), ("a", "1", "2", -1), ("a", "2", "3", 2)],
      .subtopicRelevance
    ) { $0.sampleSize = 3 }
    #expect(try tuples.tuple(0, epoch: 0).documents.map(\.target) == [3, 0, 2])
  }

  @Test func samplesDependOnEpochAndQueryAlone() throws {
    func ids(_ epoch: Int) throws -> [[RecordID?]] {
      let tuples = try tuples([], .score) {
        $0.sampling = .random
        $0.sampleSize = 2
        $0.seed = 4
      }
      return try (0..<3).reversed().map { try tuples.tuple($0, epoch: epoch).documents.map(\.id) }
    }
    #expect(try ids(0) == ids(0))
    #expect(try (1..<20).contains { try ids($0) != ids(0) })
  }

  @Test func aQueryWithoutAnswerIsRefused() throws {
    func sample(skipping: Bool) throws -> RunTuples {
      try tuples([("a", "0", "2", 1), ("b", "0", "9", 1)], .relevance) {
        $0.sampling = .singleRelevant
        $0.sampleSize = 2
        $0.skipsUnanswered = skipping
      }
    }
    let error = #expect(throws: Failure.self) { try sample(skipping: false) }
    #expect(error?.status == .data && error?.place == "run: query b")
    let rest = try sample(skipping: true)
    #expect(rest.count == 1 && rest.leftOut.unanswered == 1)
  }

  @Test func judgedDocumentsAtTheTopStay() throws {
    let tuples = try tuples(judged, .relevance) {
      $0.skippedRanks = 2
      $0.sampleSize = 2
    }
    #expect(try tuples.tuple(0, epoch: 0).documents.map(\.id) == ["2", "3"])
  }
}
