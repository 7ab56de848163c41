import Failures
import Retrieval
import Testing

/// Goals of tuning, and what is chosen of settings that were tried.
@Suite struct SearchTuningTests {
  @Test func goals() throws {
    let exact = try TuningGoal(parsing: "exact:0.95@10")
    #expect(exact.judge == .exact && exact.least == 0.95 && exact.depth == 10)
    #expect(exact.measure == "recall@10")
    // A name may have colons.
    let judged = try TuningGoal(parsing: "qrels:a:b.tsv:1@5")
    #expect(judged.judge == .qrels("a:b.tsv") && judged.least == 1 && judged.depth == 5)
    #expect(judged.measure == "ndcg@5")
    for text in [
      "", "exact", "exact:0.95", "exact:0@10", "exact:1.5@10", "exact:0.9@0", "exact:x@10",
      "qrels:0.9@10", "near:0.9@10", "exact:a:0.9@10", "exact:nan@10", "exact:0.9@10@2",
    ] {
      let failure = #expect(throws: Failure.self) { try TuningGoal(parsing: text) }
      #expect(failure?.status == .usage, "\(text)")
    }
  }

  private static func point(
    _ value: String, _ quality: Double, _ seconds: Double
  ) -> SearchTuning.Point {
    SearchTuning.Point([("cut", value)], quality: quality, seconds: seconds)
  }

  @Test func theCheapestThatReachesTheGoal() throws {
    let points = [
      Self.point("2", 0.5, 1), Self.point("3", 0.5, 2), Self.point("4", 0.92, 3),
      Self.point("6", 0.9, 4), Self.point("8", 0.97, 5),
      SearchTuning.Point([("exact", "true")], quality: 1, seconds: 9),
    ]
    let goals: [(String, String)] = [
      ("exact:0.5@10", "--cut 2"), ("exact:0.92@10", "--cut 4"), ("exact:0.93@10", "--cut 8"),
      ("exact:1@10", "--exact"),
    ]
    for (text, flags) in goals {
      let tuning = SearchTuning(try TuningGoal(parsing: text), points)
      #expect(tuning.best.flags == flags)
      // What costs more and finds no more is not of the curve.
      #expect(
        tuning.curve.map(\.flags) == ["--cut 2", "--cut 4", "--cut 8", "--exact"])
    }
  }
}
