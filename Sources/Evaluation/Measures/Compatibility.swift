import Failures

/// Compatibility with an ideal ranking.
package struct Compatibility: Measure {
  package static let description = MeasureDescription(
    name: "Compat", summary: "rank-biased overlap of the ranking with the nearest ideal ranking",
    formula: "RBO(ranking, ideal, p) / RBO(ideal, ideal, p);  ideal: by grade, then as ranked",
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

  package func value(_ ranking: JudgedRanking) -> Double {
    let relevant = ranking.relevantCount(1)
    let depth = max(ranking.count, relevant)
    if depth == 0 { return 0 }
    // At which depth each relevant document is in both rankings.
    var arrivals = [Int](repeating: 0, count: depth)
    for (place, idealPlace) in idealPlaces(ranking) { arrivals[max(place, idealPlace)] += 1 }
    var ideal = [Int](repeating: 0, count: depth)
    for place in 0..<relevant { ideal[place] = 1 }
    let score = overlap(arrivals)
    let best = overlap(ideal)
    return normalizes && best > 0 ? score / best : score
  }

  /// Of each retrieved relevant document, the place in the ranking and that in the ideal one, where
  /// among equal grades the retrieved documents come first, as they were ranked.
  private func idealPlaces(_ ranking: JudgedRanking) -> [(place: Int, idealPlace: Int)] {
    var next: [Int: Int] = [:]
    for (place, grade) in ranking.judgedGrades.enumerated() where next[grade] == nil {
      next[grade] = place
    }
    var places: [(Int, Int)] = []
    ranking.forEachRelevant(1) { rank in
      let grade = ranking.grades[rank - 1]
      guard let place = next[grade] else { return }
      places.append((rank - 1, place))
      next[grade] = place + 1
    }
    return places
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
}
