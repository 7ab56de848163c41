import Failures

/// How many queries a run is averaged over: 1 for each, which are summed.
package struct QueryCount: Measure {
  package static let description = MeasureDescription(
    name: "NumQ", summary: "number of queries that count", formula: "1 a query",
    source: "trec_eval's num_q", aggregation: .sum)

  package init(_ arguments: MeasureArguments) throws(Failure) {}

  package func value(_ ranking: JudgedRanking) -> Double { 1 }

  package var takesFractions: Bool { true }

  package var tieEffect: TieEffect { .none }
}
