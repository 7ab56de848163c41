import Failures

/// Binary preference.
package struct BinaryPreference: Measure {
  package static let description = MeasureDescription(
    name: "Bpref", aliases: ["BPref"],
    summary: "how rarely judged non-relevant documents come before relevant ones",
    formula: "1/R · sum over relevant r of 1 - min(non-relevant above r, R) / min(N, R)",
    source: "Buckley and Voorhees, SIGIR 2004; trec_eval's bpref", parameters: [.rel])

  private let level: Int

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    // A negative grade is no judgement of this kind.
    let nonRelevant = ranking.judgedGrades.count { $0 >= 0 && $0 < level }
    let bound = Double(min(relevant, nonRelevant))
    var sum = 0.0
    var above = 0
    for grade in ranking.pool.lazy.map({ ranking.grades[$0] }) where grade >= 0 {
      if grade < level {
        above += 1
      } else {
        sum += above > 0 ? 1 - Double(min(above, relevant)) / bound : 1
      }
    }
    return sum / Double(relevant)
  }

  package var tieEffect: TieEffect {
    // What nobody judged neither helps nor harms.
    .monotone { [level] grade in grade >= level ? 2 : grade >= 0 ? 0 : 1 }
  }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let relevant = ranking.relevantCount(level)
    if relevant == 0 { return 0 }
    let bound = Double(min(relevant, ranking.judgedGrades.count { $0 >= 0 && $0 < level }))
    let sum = TieExpectation(ranking).sumOverOthersAbove(
      isRelevant: { ranking.grades[$0] >= level },
      isOther: { (0..<level).contains(ranking.grades[$0]) },
      term: { $0 > 0 ? 1 - Double(min($0, relevant)) / bound : 1 })
    return sum / Double(relevant)
  }
}
