import Failures

/// nDCG averaged over the ranks where the ideal gain changes.
package struct RNDCG: Measure {
  package static let description = MeasureDescription(
    name: "Rndcg", summary: "mean of nDCG where the gain of the best ranking falls, and at the end",
    formula: "mean of nDCG@i over i where ideal gain(i) > ideal gain(i + 1), and at retrieved",
    source: "trec_eval's Rndcg (experimental)", parameters: [.rel, .gains])

  private let level: Int
  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    level = try arguments.relevanceLevel()
    gains = GainTable(try arguments.table("gains"))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = gains.ideal(ranking)
    if ideal.isEmpty || ranking.relevantCount(level) == 0 { return 0 }
    var discounted: [(place: Int, sum: Double)] = []
    var total = 0.0
    gains.forEachGain(ranking) { place, gain in
      total += gain / Discount.log2(place)
      discounted.append((place, total))
    }
    var (sum, points) = (0.0, 0)
    var idealDiscounted = 0.0
    var next = 0
    for (place, gain) in ideal.enumerated() {
      idealDiscounted += gain / Discount.log2(place)
      if place + 1 < ideal.count, ideal[place + 1] == gain { continue }
      while next < discounted.count, discounted[next].place <= place { next += 1 }
      sum += (next == 0 ? 0 : discounted[next - 1].sum) / idealDiscounted
      points += 1
    }
    // The level of no gain ends with the ranking; it needs a document beyond its first.
    if ranking.count > ideal.count + 1 {
      sum += total / idealDiscounted
      points += 1
    }
    return sum / Double(points)
  }
}
