import Evaluation
import Failures
import JSON
import Records
import TestSupport
import Testing

/// Measures of diversity, against pyndeval's values.
@Suite struct DiversityTests {
  private static let folder = fixture("eval/diversity")

  @Test func equalsPyndeval() throws {
    let expected = try Fixtures.json("eval/diversity/expected.json")
    let run = try RunReader.read("\(Self.folder)/run.txt", keeping: [.exactScores])
    let qrels = try Qrels.read("\(Self.folder)/qrels.txt", repeated: .subtopics)
    let members = try #require(expected.members)
    #expect(members.count >= 30)
    let measures = try members.map { try MeasureRegistry.measure($0.key) }
    let evaluation = try Evaluator(qrels: qrels, measures: measures).evaluate(run, over: .qrels)
    for (i, member) in members.enumerated() {
      for value in try #require(member.value.members) {
        let query = try #require(evaluation.queries.firstIndex(of: RecordID(value.key)))
        let wanted = try #require(value.value.double)
        let found = evaluation.values[i][query]
        // Both programs compute in doubles.
        #expect(
          abs(found - wanted) <= 1e-12,
          "\(member.key), query \(value.key): \(found), expected \(wanted)")
      }
    }
  }

  @Test func unjudgedDocumentsAreLeftOut() throws {
    // Without the documents that nobody judged, the run's ranks are those among the judged.
    let qrels = try Qrels.read("\(Self.folder)/qrels.txt", repeated: .subtopics)
    let run = try RunReader.read("\(Self.folder)/run.txt")
    var builder = RunBuilder(name: "judged")
    for query in 0..<run.queries.count {
      for document in run.documents(of: query)
      where qrels.grade(query: run.queries[query], doc: document.id) != nil {
        builder.add(query: run.queries[query], doc: document.id, score: document.score)
      }
    }
    let names = ["alpha_nDCG@5", "alpha_DCG@10", "ERR_IA@5", "nERR_IA@20", "AP_IA", "P_IA@5"]
    for name in names {
      let parts = name.split(separator: "@")
      let only = parts[0] + "(judged_only=True)" + (parts.count > 1 ? "@\(parts[1])" : "")
      let found = try Evaluator(qrels: qrels, measures: [MeasureRegistry.measure(String(only))])
        .evaluate(run)
      let wanted = try Evaluator(qrels: qrels, measures: [MeasureRegistry.measure(name)])
        .evaluate(builder.finish())
      #expect(found.values == wanted.values, "\(name)")
    }
  }

  @Test func otherMeasuresRefuseGradesThatDiffer() throws {
    let path = "\(Self.folder)/qrels.txt"
    let run = try RunReader.read("\(Self.folder)/run.txt")
    let failure = #expect(throws: Failure.self) { try Qrels.read(path) }
    #expect(failure?.status == .data)
    #expect(failure?.hint?.contains("subtopics") == true)
    let qrels = try Qrels.read(path, repeated: .subtopics)
    let evaluator = Evaluator(
      qrels: qrels,
      measures: [try MeasureRegistry.measure("StRecall@5"), try MeasureRegistry.measure("AP")])
    #expect(throws: Failure.self) { try evaluator.evaluate(run) }
    // Read without subtopics, judgements have none.
    let plain = try Qrels.read(fixture("eval/tiny/qrels.txt"))
    let other = Evaluator(qrels: plain, measures: [try MeasureRegistry.measure("StRecall@5")])
    let missing = #expect(throws: Failure.self) {
      try other.evaluate(RunReader.read(fixture("eval/tiny/run.txt")))
    }
    #expect(missing?.message.contains("subtopics") == true)
  }
}
