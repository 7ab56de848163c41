import Evaluation
import Failures
import Foundation
import Records
import TestSupport
import Testing

/// Grades that are no whole numbers.
@Suite struct FractionTests {
  private func value(_ measure: String, _ qrels: String) throws -> Double {
    let qrels = try Qrels.read([TemporaryFolder.file(qrels)], allowsFractions: true)
    let run = try RunReader.read(TemporaryFolder.file("q Q0 b 1 2 t\nq Q0 a 2 1 t\n"))
    return try Evaluator(qrels: qrels, measures: [MeasureRegistry.measure(measure)])
      .evaluate(run).aggregate(0)
  }

  private static let half = "q 0 a 0.5\nq 0 b 0.25\nq 0 c 0\n"

  /// By the definition: (0.25 + 0.5 / log2 3) / (0.5 + 0.25 / log2 3).
  @Test func gains() throws {
    let wanted = (0.25 + 0.5 / log2(3)) / (0.5 + 0.25 / log2(3))
    #expect(abs(try value("nDCG@10", Self.half) - wanted) < 1e-15)
    #expect(try value("nDCG@10", "q 0 a 2\nq 0 b 1\n") == value("nDCG@10", Self.half))
    #expect(try value("Judged@2", Self.half) == 1)
    #expect(try value("NumRet", Self.half) == 2)
    #expect(try value("NumQ", Self.half) == 1)
  }

  /// Whole numbers are that, however they are written.
  @Test func wholeNumbers() throws {
    #expect(try value("RR", "q 0 a 1.0\nq 0 b 0.0\n") == 0.5)
  }

  @Test(arguments: [
    "RR", "AP", "P@1", "ERR@10", "nDCG(dcg='exp-log2')@10", "NumRel", "NumRet(rel=1)",
  ])
  func refused(_ measure: String) throws {
    let failure = #expect(throws: Failure.self) { try value(measure, "q 0 d 1\n" + Self.half) }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix(":2") == true)
    #expect(
      failure?.message == "expected an integer grade, found \"0.5\", which \(measure) cannot take")
  }

  /// One object with scores is a run like any other.
  @Test(arguments: [
    #"{"q": {"b": 2, "a": 1.5}, "r": {}}"#,
    "{\n  \"q\": {\n    \"a\": -1e0,\n    \"b\": 0.5\n  }\n}\n",
  ])
  func tablesOfScores(_ text: String) throws {
    let run = try RunReader.read(TemporaryFolder.file(text))
    #expect(run.queries.count == 1)
    #expect(run.entries(of: 0).map { run.doc($0).description } == ["b", "a"])
    let qrels = try Qrels.read(TemporaryFolder.file("q 0 a 1\n"))
    let evaluation = try Evaluator(qrels: qrels, measures: [MeasureRegistry.measure("RR")])
      .evaluate(run)
    #expect(evaluation.aggregate(0) == 0.5)
  }

  @Test(arguments: [
    (#"{"q": {"a": "x"}}"#, 1, "a finite score"), ("{\"q\": {\n\"a\": 1,\n\"a\": 2}}", 3, "once"),
    ("{\"q\": {\n\"a\": 1e39}}", 2, "a finite score"), ("{\"q\": {\"a\": 1}", 1, "'}'"),
    ("{\"q\": {\"a\": 1}}\n{\"q\": {\"a\": 1}}", 2, "the end"),
  ])
  func malformedTables(_ text: String, _ line: Int, _ word: String) {
    let failure = #expect(throws: Failure.self) { try RunReader.read(TemporaryFolder.file(text)) }
    #expect(failure?.status == .data)
    #expect(failure?.place?.hasSuffix(":\(line)") == true, "\(failure.map { "\($0)" } ?? "")")
    #expect(failure?.message.contains(word) == true, "\(failure.map { "\($0)" } ?? "")")
  }
}
