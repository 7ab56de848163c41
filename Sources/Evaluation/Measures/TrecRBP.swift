import Failures

/// Rank-biased precision as trec_eval computes it.
package struct TrecRBP: Measure {
  package static let description = MeasureDescription(
    name: "rbp", summary: "rank-biased precision with graded gains, brought into 0 to 1 a query",
    formula: "(1 - p) · sum over ranks i of gain(i) · p^(i - 1)",
    source: "Moffat and Zobel, TOIS 2008; trec_eval 10's rbp",
    parameters: [
      MeasureParameter(name: "p", value: "0.9", meaning: "persistence"), .gains,
    ])

  private let persistence: Double
  private let table: [Int: Double]?
  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    persistence = try arguments.signedNumber("p", default: 0.9)
    table = try arguments.table("gains")
    gains = GainTable(table)
  }

  /// Rank-biased precision with the gains that trec_eval gives to grades.
  init(persistence: Double) {
    self.persistence = persistence
    table = nil
    gains = GainTable(nil)
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let (low, high) = gains.range(upTo: max(0, ranking.judgedGrades.first ?? 0))
    let isWide = low < 0 || high > 1
    var sum = 0.0
    var weight = 1.0
    var next = 0
    for place in ranking.pool {
      let grade = ranking.grades[place]
      if grade < 0, table?[grade] == nil { continue }
      while next < place {
        weight *= persistence
        next += 1
      }
      let gain = gains.gain(grade)
      sum += (isWide ? (gain - low) / (high - low) : gain) * weight
    }
    return (1 - persistence) * sum
  }

  package var tieEffect: TieEffect { table == nil ? .monotone : .any }

  package func expectation(_ ranking: JudgedRanking) -> Double? {
    if table != nil { return nil }
    let top = max(1, Double(ranking.judgedGrades.first ?? 0))
    var weights: [Double] = []
    var weight = 1 - persistence
    for _ in 0..<ranking.count {
      weights.append(weight)
      weight *= persistence
    }
    return TieExpectation(ranking).sum(
      gain: { Double(max(0, ranking.grades[$0])) / top }, weight: { weights[$0] })
  }

  package func residual(_ ranking: JudgedRanking) -> Double? {
    var sum = 0.0
    var weight = 1.0
    for grade in ranking.grades {
      if grade < 0 { sum += weight }
      weight *= persistence
    }
    return weight + (1 - persistence) * sum
  }
}
