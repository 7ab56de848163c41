import Failures
import Glibc

/// Binary G.
package struct BinaryG: Measure {
  package static let description = MeasureDescription(
    name: "binG", summary: "mean over relevant documents of a gain that falls with misses above",
    formula: "1/R · sum over relevant ranks i of 1 / log2(2 + non-relevant above i)",
    source: "trec_eval's binG (experimental, 2008)", parameters: [.rel])

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    var sum = 0.0
    var found = 0
    ranking.forEachRelevant(level) { rank in
      found += 1
      sum += 1 / log2(Double(2 + rank - found))
    }
    return sum / Double(relevant)
  }

  package var tieEffect: TieEffect { .monotone(above: level) }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let sum = TieExpectation(ranking).sumOverOthersAbove(
      isRelevant: { ranking.grades[$0] >= level }, isOther: { ranking.grades[$0] < level },
      term: { 1 / log2(Double(2 + $0)) })
    return sum / Double(relevant)
  }
}
