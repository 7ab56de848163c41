import Failures
import Records
import TestSupport
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
        $0.leavesOut = skipping
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

  /// Queries and documents without a text are left out and counted, where anything is.
  @Test func whatHasNoTextIsLeftOut() throws {
    let folder = try TemporaryFolder()
    let queries = try TextStore(
      "query", [folder.write("q.tsv", "b\ttext\n")], scratchFolder: folder.path)
    let docs = try TextStore(
      "document", [folder.write("d.tsv", "1\tx\n4\ty\n3\tz\n")], scratchFolder: folder.path)
    var options = RunTuples.Options(targets: .score)
    options.sampleSize = 3
    options.addsJudged = true
    func tuples() throws -> RunTuples {
      try RunTuples(run(), qrels: qrels(judged), options, queries: queries, docs: docs)
    }
    let failure = #expect(throws: Failure.self) { try tuples() }
    #expect(failure?.status == .data)
    options.leavesOut = true
    let found = try tuples()
    // Query a has no text; of b's documents 2 has none, nor has 9, which the run lacks.
    #expect(found.count == 1 && found.leftOut.textless == 1 && found.leftOut.documents == 2)
    #expect(found.leftOut.unjudged == 1 && found.leftOut.queries == 2)
    #expect(found.leftOut.first?.contains("query a is not in") == true)
    #expect(try found.tuple(0, epoch: 0).documents.map { $0.id } == ["1", "3", "4"])
  }

  /// Targets that are all the same have no scale.
  @Test func targetsThatCannotBeNormalised() throws {
    let tuples = try tuples(judged, .relevance) {
      $0.sampleSize = 1
      $0.normalizesTargets = true
    }
    #expect(try tuples.usableTuple(0, epoch: 0) == nil)
    #expect(throws: Failure.self) { try tuples.tuple(0, epoch: 0) }
  }

  /// Two tuples share a key where they share a document, of the sample that the epoch has.
  @Test func keysAreThoseOfTheSample() throws {
    let tuples = try tuples(judged, .score) {
      $0.sampleSize = 2
      $0.sampling = .random
    }
    #expect(tuples.varies)
    var samples: Set<[String]> = []
    for epoch in 0..<8 {
      let keys = (0..<2).map { tuples.keys(of: $0, epoch: epoch) }
      let ids = try (0..<2).map { try tuples.tuple($0, epoch: epoch).documents.map { "\($0.id!)" } }
      #expect(Set(keys[0]).intersection(keys[1]).count == Set(ids[0]).intersection(ids[1]).count)
      #expect(Set(keys[0]).count == 3)
      samples.insert(ids[1])
    }
    #expect(samples.count > 1)
  }
}
