import Evaluation
import Failures
import JSON
import Records
import TestSupport
import Testing

/// Values that pytrec_eval and ir_measures gave, per query, against ours to 1e-6.
@Suite struct GoldenMeasureTests {
  static let cases = [
    "basic", "deep1000", "float_formats", "float_precision", "high_grades", "missing_queries",
    "negative_grades", "odd_ids", "rank_column_ignored", "ties", "tiny",
  ]

  /// Cases with tied scores: there providers other than trec_eval order documents differently.
  static let tied: Set<String> = ["ties", "float_precision", "float_formats"]

  /// infAP holds single-precision epsilons in some builds of trec_eval.
  static func tolerance(_ measure: String) -> Double {
    // gdeval prints five decimals.
    if measure.hasPrefix("ERR") || measure.contains("exp-log2") { return 5.1e-6 }
    return measure == "infAP" ? 1e-5 : 1e-6
  }

  /// The golden measures that exist here, with their expected values.
  static func measures(
    _ expected: JSON, _ name: String
  ) throws -> [(measure: NamedMeasure, values: [JSON.Member])] {
    var found: [(NamedMeasure, [JSON.Member])] = []
    for member in try #require(expected["ir_measures_per_query"]?.members) {
      let provider = expected["ir_measures_provider"]?[member.key]?.string
      // The others compare scores in double precision, and have their own order of ties.
      // Compat's ideal ranking, besides, has tied documents in the order of the qrels.
      let isKnown = name == "ties" && provider != "compat"
      if tied.contains(name), !isKnown, provider != "pytrec_eval" { continue }
      let prefix = provider.map { $0 == "pytrec_eval" || $0 == "gdeval" ? "" : "\($0):" } ?? ""
      guard let measure = try? MeasureRegistry.measure(prefix + member.key) else {
        // Not here yet: these are other programs' measures, never trec_eval's.
        Issue.record("there is no \(member.key)")
        continue
      }
      found.append((measure, try #require(member.value.members)))
    }
    return found
  }

  @Test(arguments: cases) func perQueryValues(name: String) throws {
    let run = try RunReader.read(fixture("eval/\(name)/run.txt"))
    let qrels = try Qrels.read(fixture("eval/\(name)/qrels.txt"))
    let expected = try Fixtures.json("eval/\(name)/expected.json")
    let measures = try Self.measures(expected, name)
    #expect(measures.count >= 40)
    let evaluation = try Evaluator(qrels: qrels, measures: measures.map(\.measure))
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

  @Test(arguments: cases) func means(name: String) throws {
    let run = try RunReader.read(fixture("eval/\(name)/run.txt"))
    let qrels = try Qrels.read(fixture("eval/\(name)/qrels.txt"))
    let expected = try Fixtures.json("eval/\(name)/expected.json")
    let measures = try Self.measures(expected, name).map(\.measure)
    let evaluator = Evaluator(qrels: qrels, measures: measures)
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
