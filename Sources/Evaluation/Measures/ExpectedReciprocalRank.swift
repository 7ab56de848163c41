import Failures
import Records

/// Expected reciprocal rank.
package struct ExpectedReciprocalRank: Measure {
  package static let description = MeasureDescription(
    name: "ERR", summary: "expected 1 / rank where a user stops who is satisfied by grades",
    formula: "sum over ranks i <= k of 1/i · r(i) · product over j < i of 1 - r(j),  "
      + "r = (2^grade - 1) / 2^max_rel",
    source: "Chapelle et al., CIKM 2009; gdeval, which prints five decimals of it",
    parameters: [
      MeasureParameter(name: "max_rel", value: "4", meaning: "highest grade that there is")
    ], cutoff: .optional)

  private let cutoff: Int
  private let maximum: Int
  private let name: String

  package init(_ arguments: MeasureArguments) throws(Failure) {
    cutoff = try arguments.cutoff()
    maximum = try arguments.integer("max_rel", default: 4)
    guard (1...60).contains(maximum) else {
      throw .usage("measure '\(arguments.name)': expected max_rel from 1 to 60")
    }
    name = arguments.name.description
  }

  package func check(_ qrels: Qrels) throws(Failure) {
    for judgement in 0..<qrels.count where qrels.grade(judgement) > maximum {
      throw .data(
        qrels.name, "\(name): expected grades to \(maximum), found \(qrels.grade(judgement))",
        hint: "ERR(max_rel=\(qrels.grade(judgement))) allows them")
    }
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    var (sum, reached) = (0.0, 1.0)
    ranking.forEachRelevant(1, cutoff: cutoff) { rank in
      let satisfaction = satisfaction(ranking.grades[rank - 1])
      sum += satisfaction * reached / Double(rank)
      reached *= 1 - satisfaction
    }
    return sum
  }

  package var tieEffect: TieEffect { .monotone }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    let remaining = TieExpectation(ranking).survival(cutoff: cutoff) {
      satisfaction(ranking.grades[$0])
    }
    var (sum, before) = (0.0, 1.0)
    for (place, after) in remaining.enumerated() {
      sum += (before - after) / Double(place + 1)
      before = after
    }
    return sum
  }

  /// The chance that a document of a grade satisfies the user.
  private func satisfaction(_ grade: Int) -> Double {
    grade <= 0 ? 0 : Double((1 << grade) - 1) / Double(1 << maximum)
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    value(ranking.assumingUnjudged(maximum)) - value(ranking)
  }
}
