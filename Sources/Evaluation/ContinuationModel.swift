import Failures

/// A model of a user who reads a ranking from the top and stops somewhere (C/W/L).
///
/// The value is the gain of a document that the user looks at, on average: the sum of
/// weight(i) · gain(i), where weight(i) is proportional to the chance that rank i is reached. As in
/// cwl_eval, rankings have 1000 places; those without a judged document bring nothing.
struct ContinuationModel: Sendable {
  /// Number of places that are looked at.
  static let depth = 1000

  /// Lowest grade with a gain above 0, and the grade with gain 1.
  private let range: (low: Int, high: Int)
  private let isBinary: Bool

  /// Gains that grow linearly from 0 to 1 over a range of grades.
  init(graded arguments: MeasureArguments) throws(Failure) {
    let low = try arguments.integer("min_rel", default: 0)
    let high = try arguments.requiredInteger("max_rel")
    guard low < high else {
      throw .usage("measure '\(arguments.name)': expected min_rel below max_rel")
    }
    range = (low, high)
    isBinary = false
  }

  /// Gain 1 from a grade on, 0 below.
  init(binary arguments: MeasureArguments) throws(Failure) {
    let level = try arguments.requiredInteger("rel")
    range = (level - 1, level)
    isBinary = true
  }

  /// The parameters of graded gains.
  static let parameters = [
    MeasureParameter(name: "min_rel", value: "0", meaning: "grade with gain 0; lower ones, too"),
    MeasureParameter(name: "max_rel", value: "none", meaning: "grade with gain 1, or more"),
  ]

  /// Who wrote the program that defines them.
  static let source = "cwl_eval (Azzopardi, Thomas and Moffat, SIGIR 2019)"

  private func gain(_ grade: Int) -> Double {
    // trec_eval and ir_measures take negative grades for 0; unjudged documents bring nothing.
    let clipped = min(max(max(grade, 0), range.low), range.high)
    return grade == JudgedRanking.unjudged
      ? 0 : Double(clipped - range.low) / Double(range.high - range.low)
  }

  /// The average gain, where `chance` says how likely it is that the user goes on from a place,
  /// given its gain and the sum of gains so far.
  func utility(
    _ ranking: JudgedRanking, chance: (_ place: Int, _ gain: Double, _ total: Double) -> Double
  ) -> Double {
    var (reached, sum, weight, total) = (1.0, 0.0, 0.0, 0.0)
    for place in 0..<Self.depth {
      let gain = place < ranking.count ? gain(ranking.grades[place]) : 0
      sum += reached * gain
      weight += reached
      total += gain
      reached *= chance(place, gain, total)
      if reached == 0 { break }
    }
    return sum / weight
  }

  /// The expected value over all orders of ties where the chance depends on the place alone.
  func expectedUtility(
    _ ranking: JudgedRanking, cutoff: Int = .max, chance: (_ place: Int) -> Double
  ) -> Double {
    var (weights, total, reached): ([Double], Double, Double) = ([], 0, 1)
    for place in 0..<Self.depth where reached > 0 {
      weights.append(reached)
      total += reached
      reached *= chance(place)
    }
    return TieExpectation(ranking).sum(
      cutoff: min(cutoff, weights.count), gain: { gain(ranking.grades[$0]) },
      weight: { weights[$0] / total })
  }
}
