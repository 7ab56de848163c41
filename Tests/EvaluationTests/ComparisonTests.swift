import Evaluation
import Failures
import JSON
import Records
import TestSupport
import Testing

/// Tests of runs, against scipy's numbers.
@Suite struct ComparisonTests {
  static let golden = try? Fixtures.json("eval/comparison.json")

  static func numbers(_ json: JSON?) -> [Double] { json?.array?.compactMap(\.double) ?? [] }

  /// Both programs sum in doubles.
  static func near(_ found: Double, _ wanted: Double?) -> Bool {
    wanted.map { abs(found - $0) <= 1e-10 * max(1, abs($0)) } ?? false
  }

  @Test(arguments: [
    "seven", "ties", "twenty", "sixty", "sixteen_ties", "two", "thirteen_zeros", "fourteen_zeros",
    "fifty", "fifty_one",
  ])
  func equalsScipy(name: String) throws {
    let wanted = try #require(Self.golden?["cases"]?[name])
    let differences = Self.numbers(wanted["differences"])
    #expect(differences.count >= 2)
    let student = PairedTests.student(differences)
    #expect(Self.near(student.statistic, wanted["t"]?.double))
    #expect(Self.near(student.p, wanted["t_p"]?.double))
    let wilcoxon = PairedTests.wilcoxon(differences)
    #expect(Self.near(wilcoxon.statistic, wanted["wilcoxon"]?.double))
    #expect(Self.near(wilcoxon.p, wanted["wilcoxon_p"]?.double))
    let equivalence = PairedTests.equivalence(differences, margin: 0.05)
    #expect(Self.near(equivalence.p, wanted["tost_p"]?.double))
    if let exact = wanted["randomisation_p"]?.double {
      let p = PairedTests.randomisation(differences, resamples: 10_000, seed: 1)
      #expect(Self.near(p, exact))
      // Random signs come near, and are the same for a seed.
      let random = PairedTests.randomisation(differences, resamples: 100, seed: 1)
      #expect(abs(random - exact) < 0.2)
      #expect(random == PairedTests.randomisation(differences, resamples: 100, seed: 1))
    }
  }

  /// scipy says NaN of what does not vary, but for the exact tests, which say 1.
  @Test func noDifferences() {
    for count in [2, 13, 14, 60] {
      let zeros = [Double](repeating: 0, count: count)
      #expect(PairedTests.student(zeros).p.isNaN)
      #expect(count < 14 ? PairedTests.wilcoxon(zeros).p == 1 : PairedTests.wilcoxon(zeros).p.isNaN)
      #expect(PairedTests.randomisation(zeros, resamples: 1000, seed: 1) == 1)
    }
    let constant = PairedTests.student([0.5, 0.5, 0.5])
    #expect(constant.statistic == .infinity && constant.p == 0)
  }

  @Test func tukeyEqualsScipy() throws {
    let golden = try #require(Self.golden)
    let groups = try #require(golden["groups"]?.array).map { Self.numbers($0) }
    let wanted = try #require(golden["tukey"]?.array).map { Self.numbers($0) }
    let found = GroupTests.tukey(groups)
    for i in groups.indices {
      for j in groups.indices { #expect(abs(found[i][j] - wanted[i][j]) < 1e-9) }
    }
    for row in try #require(golden["ranges"]?.array).map({ Self.numbers($0) }) {
      let p = Distributions.studentizedRange(above: row[0], groups: Int(row[1]), degrees: row[2])
      #expect(abs(p - row[3]) < 1e-8, "\(row): \(p)")
    }
  }

  @Test func corrections() {
    let p = [0.01, 0.04, 0.03, 0.005]
    #expect(GroupTests.bonferroni(p) == [0.04, 0.16, 0.12, 0.02])
    #expect(GroupTests.holm(p) == [0.03, 0.06, 0.06, 0.02])
    #expect(GroupTests.holm([0.9, 0.8]) == [1, 1])
    #expect(GroupTests.bonferroni([.nan, 0.2])[1] == 0.2)
    #expect(GroupTests.bonferroni([.nan, 0.2])[0].isNaN)
    #expect(GroupTests.holm([.nan, 0.2])[0].isNaN)
    // Values that do not vary have no range; scipy says NaN, too.
    #expect(GroupTests.tukey([[1, 1], [1, 1]])[0][1].isNaN)
  }

  @Test func bootstrapHoldsTheMean() {
    let differences = (0..<40).map { Double($0 % 7) / 10 }
    let mean = PairedTests.mean(differences)
    let narrow = PairedTests.bootstrap(differences, confidence: 0.5, resamples: 2000, seed: 7)
    let wide = PairedTests.bootstrap(differences, confidence: 0.99, resamples: 2000, seed: 7)
    #expect(wide.low < narrow.low && narrow.low < mean)
    #expect(mean < narrow.high && narrow.high < wide.high)
    // The normal approximation: 2.576 standard errors, to a tenth of one for 2000 samples.
    let error = PairedTests.deviation(differences) / 40.0.squareRoot()
    #expect(abs(wide.low - (mean - 2.576 * error)) < 0.4 * error)
  }

  @Test func comparesRuns() throws {
    let qrels = try Qrels.read(fixture("eval/basic/qrels.txt"))
    let run = try RunReader.read(fixture("eval/basic/run.txt"))
    let measures = [try MeasureRegistry.measure("AP"), try MeasureRegistry.measure("P@5")]
    let evaluation = try Evaluator(qrels: qrels, measures: measures).evaluate(run)
    var builder = RunBuilder(name: "other")
    for query in 0..<run.queries.count {
      for (i, document) in run.documents(of: query).enumerated() where i % 3 != query % 3 {
        builder.add(query: run.queries[query], doc: document.id, score: document.score)
      }
    }
    let other = try Evaluator(qrels: qrels, measures: measures).evaluate(builder.finish())
    let comparisons = try RunComparison.compare([evaluation, other], ComparisonOptions())
    #expect(comparisons.map(\.measure) == ["AP", "P@5"])
    let first = try #require(comparisons.first)
    let differences = zip(evaluation.values[0], other.values[0]).map { $1 - $0 }
    #expect(first.value("wins") == Double(differences.count { $0 > 0 }))
    #expect(first.value("losses") == Double(differences.count { $0 < 0 }))
    #expect(first.value("difference") == PairedTests.mean(differences))
    #expect(first.value("t_p_holm") == first.value("t_p"))
    var options = ComparisonOptions()
    options.baseline = "other"
    #expect(
      try RunComparison.compare([evaluation, other], options).first?.value("difference")
        == PairedTests.mean(differences.map { -$0 }))
    options.baseline = "nobody"
    #expect(throws: Failure.self) { try RunComparison.compare([evaluation, other], options) }
  }
}
