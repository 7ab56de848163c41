import Evaluation
import Foundation
import Records
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Pictures of runs that have too many queries for a bar each.
@Suite struct PlotTests {
  /// A run of so many queries that has the relevant document first or second, and its evaluation.
  static func evaluation(_ name: String, queries: Int, firstUpTo limit: Int) throws -> Evaluation {
    var qrels = QrelsBuilder(name: "qrels")
    var run = RunBuilder(name: name)
    for q in 0..<queries {
      qrels.add(query: RecordID("q\(q)"), doc: "a", grade: 1)
      run.add(query: RecordID("q\(q)"), doc: "a", score: q < limit ? 2 : 0)
      run.add(query: RecordID("q\(q)"), doc: "b", score: 1)
    }
    return try Evaluator(qrels: qrels.finish(), measures: [MeasureRegistry.measure("RR")])
      .evaluate(run.finish())
  }

  @Test func manyQueriesAreAnOutline() throws {
    let evaluations = [
      try Self.evaluation("few", queries: 5000, firstUpTo: 100),
      try Self.evaluation("many", queries: 5000, firstUpTo: 4000),
    ]
    let comparisons = try RunComparison.compare(evaluations, ComparisonOptions())
    let svg = Plot.file(EvaluationPlots(evaluations, comparisons).bars(measure: 0))
    #expect(XMLParser(data: Data(svg.utf8)).parse())
    #expect(svg.utf8.count < 60_000)
    #expect(svg.contains("5000 queries, from greatest to least"))
    #expect(svg.contains("RR +0.390 ["))
    #expect(svg.contains("3900 wins, 1100 ties, 0 losses"))
    // 0.5 for the queries that differ: the scale ends there.
    #expect(svg.contains(">0.5</text>") && !svg.contains(">0.6</text>"))
  }

  @Test func namesAreEscaped() throws {
    let name = "a<b>&\"'\u{1}"
    let evaluation = try Self.evaluation(name, queries: 3, firstUpTo: 1)
    let svg = Plot.file(EvaluationPlots([evaluation], []).bars(measure: 0))
    #expect(XMLParser(data: Data(svg.utf8)).parse())
    #expect(svg.contains("a&lt;b&gt;&amp;&quot;&#39;\u{FFFD}"))
  }
}
