import Failures

/// Compatibility with an ideal ranking.
package struct Compatibility: Measure {
  package static let description = MeasureDescription(
    name: "Compat", summary: "rank-biased overlap of the ranking with the nearest ideal ranking",
    formula: "RBO(ranking, ideal, p) / RBO(ideal, ideal, p);  ideal: by grade, then by score;"
      + "\n  documents that were not retrieved score 0, equal ones stay as ranked (compat: as judged)",
    source: "Clarke, Vtyurina and Smucker, TOIS 2021; ir_measures' compat",
    parameters: [
      MeasureParameter(name: "p", value: "0.95", meaning: "persistence"),
      MeasureParameter(
        name: "normalize", value: "True", meaning: "divide by what the ideal ranking gets"),
    ])

  private let persistence: Double
  private let normalizes: Bool

  package init(_ arguments: MeasureArguments) throws(Failure) {
    persistence = try arguments.number("p", default: 0.95)
    normalizes = try arguments.boolean("normalize", default: true)
  }

  package var needs: RankingNeeds { .idealOrder }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = ranking.idealPlaces ?? []
    let depth = max(ranking.count, ideal.count)
    if depth == 0 { return 0 }
    // At which depth each relevant document is in both rankings.
    var arrivals = [Int](repeating: 0, count: depth)
    for (idealPlace, place) in ideal.enumerated() {
      if let place { arrivals[max(place, idealPlace)] += 1 }
    }
    var best = [Int](repeating: 0, count: depth)
    for place in ideal.indices { best[place] = 1 }
    let score = overlap(arrivals)
    let most = overlap(best)
    return normalizes && most > 0 ? score / most : score
  }

  /// Rank-biased overlap, given how many documents are added to the overlap at each depth.
  private func overlap(_ arrivals: [Int]) -> Double {
    var (score, total, weight) = (0.0, 0.0, 1.0)
    var common = 0
    for (place, count) in arrivals.enumerated() {
      common += count
      score += weight * Double(common) / Double(place + 1)
      total += weight
      weight *= persistence
    }
    return score / total
  }

  package var tieEffect: TieEffect { .monotone }
}
