import Failures
import Glibc

/// Yet another average precision.
package struct YAAP: Measure {
  package static let description = MeasureDescription(
    name: "yaap", summary: "log odds of average precision, to be averaged like a normal variable",
    formula: "log((1 + s) / (1 + R - s)),  s = sum of P@i over relevant ranks i",
    source: "Robertson, SIGIR 2006; trec_eval's yaap", parameters: [.rel])

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    var sum = 0.0
    var found = 0
    ranking.forEachRelevant(level) { rank in
      found += 1
      sum += Double(found) / Double(rank)
    }
    return log((1 + sum) / (1 + Double(ranking.relevantCount(level)) - sum))
  }

  package var tieEffect: TieEffect { .monotone(above: level) }
}
