import Evaluation
import Failures
import Foundation
import JSON
import Records
import TestSupport
import Testing

/// Values that pytrec_eval and ir_measures gave, per query, against ours to 1e-6.
@Suite struct GoldenMeasureTests {
  /// A folder with a run, judgements and values.
  struct Case: Sendable, CustomTestStringConvertible {
    var folder: String
    var testDescription: String { folder.split(separator: "/").suffix(3).joined(separator: "/") }

    /// What the references gave.
    func expected() throws -> JSON {
      try JSONParser.parse(
        [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json"))))
    }

    /// The run, as providers have it that compare scores in double precision.
    func run() throws -> Run {
      try RunReader.read("\(folder)/run.txt", keeping: [.exactScores])
    }

    func qrels() throws -> Qrels { try Qrels.read("\(folder)/qrels.txt") }
  }

  /// Those of the fixtures, and of the folders in `LIR_TEST_CASES`.
  static let cases: [Case] = {
    let names = [
      "basic", "deep1000", "float_formats", "float_precision", "high_grades", "missing_queries",
      "negative_grades", "odd_ids", "rank_column_ignored", "ties", "tiny",
    ]
    let more = (ProcessInfo.processInfo.environment["LIR_TEST_CASES"] ?? "").split(separator: ":")
    let folders = [fixture("eval")] + more.map { $0 + "/eval" }
    return folders.flatMap { folder in
      names.map { Case(folder: "\(folder)/\($0)") }.filter {
        folder == folders[0] || FileManager.default.fileExists(atPath: $0.folder)
      }
    }
  }()

  /// infAP holds single-precision epsilons in some builds of trec_eval.
  static func tolerance(_ measure: String) -> Double {
    // gdeval prints five decimals.
    if measure.hasPrefix("gdeval:ERR") || measure.contains("exp-log2") { return 5.1e-6 }
    return measure == "infAP" ? 1e-5 : 1e-6
  }

  /// The golden measures, under the name of the provider that gave the values.
  static func measures(
    _ expected: JSON
  ) throws -> [(measure: NamedMeasure, values: [JSON.Member])] {
    try #require(expected["ir_measures_per_query"]?.members).map { member in
      let provider = try #require(expected["ir_measures_provider"]?[member.key]?.string)
      let prefix = provider == "pytrec_eval" ? "" : "\(provider):"
      return (
        try MeasureRegistry.measure(prefix + member.key), try #require(member.value.members)
      )
    }
  }

  @Test(arguments: cases) func perQueryValues(example: Case) throws {
    let run = try example.run()
    let measures = try Self.measures(example.expected())
    #expect(measures.count >= 40)
    let evaluation = try Evaluator(qrels: example.qrels(), measures: measures.map(\.measure))
      .evaluate(run, over: .qrels)
    var compared = 0
    for (i, (measure, values)) in measures.enumerated() {
      for value in values {
        let query = RecordID(value.key)
        guard let index = evaluation.queries.firstIndex(of: query) else { continue }
        // Of queries that the run lacks ir_measures counts nothing; trec_eval -c counts what is
        // judged, and so do we.
        if measure.description.aggregation == .sum, run.queries.find(query) == nil { continue }
        let wanted = try #require(value.value.double)
        let found = evaluation.values[i][index]
        compared += 1
        #expect(
          abs(found - wanted) <= Self.tolerance(measure.name),
          "\(measure.name), query \(query): \(found), expected \(wanted)")
      }
    }
    #expect(compared >= measures.count)
  }

  @Test(arguments: cases) func means(example: Case) throws {
    let run = try example.run()
    let expected = try example.expected()
    let measures = try Self.measures(expected).map(\.measure)
    let evaluator = Evaluator(qrels: try example.qrels(), measures: measures)
    let evaluation = try evaluator.evaluate(run, over: .qrels)
    // pytrec_eval's queries are those in both.
    let both = try evaluator.evaluate(run)
    for (i, measure) in measures.enumerated() {
      let provider = try MeasureName(parsing: measure.name).provider
      let key = String(measure.name.dropFirst(provider.map { $0.count + 1 } ?? 0))
      let wanted = try #require(expected["ir_measures_mean"]?[key]?.double)
      // Counts are of the queries in both.
      let isCount = measure.description.aggregation == .sum
      let found = (isCount ? both : evaluation).aggregate(i)
      #expect(
        abs(found - wanted) <= Self.tolerance(measure.name),
        "\(measure.name): \(found), expected \(wanted)")
    }
    let judged = try #require(expected["pytrec_eval_rel1"]?.members).map { RecordID($0.key) }
    #expect(both.queries.sorted() == judged.sorted())
    #expect(both.counts.both == judged.count)
  }

  @Test func duplicatesAreRefused() {
    for (kind, read) in [
      ("run", { _ = try RunReader.read(fixture("eval/duplicates/run.txt")) }),
      ("qrels", { _ = try Qrels.read(fixture("eval/duplicates/qrels.txt")) }),
    ] as [(String, () throws -> Void)] {
      let failure = #expect(throws: Failure.self) { try read() }
      #expect(failure?.status == .data, "\(kind)")
      #expect(failure?.place?.contains(":") == true)
    }
  }

  @Test func selectionsOfQueries() throws {
    let run = try RunReader.read(fixture("eval/missing_queries/run.txt"))
    let qrels = try Qrels.read(fixture("eval/missing_queries/qrels.txt"))
    let evaluator = Evaluator(qrels: qrels, measures: [try MeasureRegistry.measure("NumQ")])
    let both = try evaluator.evaluate(run)
    #expect(both.counts.onlyInRun == 2)
    #expect(both.counts.onlyInQrels == 2)
    #expect(try evaluator.evaluate(run, over: .qrels).queries.count == both.counts.both + 2)
    #expect(try evaluator.evaluate(run, over: .run).queries.count == both.counts.both + 2)
  }

  @Test func nothingIsNoScore() throws {
    let qrels = try Qrels.read(fixture("eval/tiny/qrels.txt"))
    let evaluator = Evaluator(qrels: qrels, measures: [try MeasureRegistry.measure("AP")])
    let empty = try RunBuilder(name: "empty").finish()
    let failure = #expect(throws: Failure.self) { try evaluator.evaluate(empty) }
    #expect(failure?.status == .data)
  }
}
