import Failures

/// nDCG averaged over the ranks of relevant documents.
package struct NDCGAtRelevant: Measure {
  package static let description = MeasureDescription(
    name: "ndcg_rel", summary: "mean of nDCG at the rank of each document that brings a gain",
    formula: "1/R · (sum of nDCG@i over ranks i with a gain + missing · nDCG), R: those with one",
    source: "trec_eval's ndcg_rel (experimental)", parameters: [.gains])

  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    gains = GainTable(try arguments.table("gains"))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = gains.ideal(ranking)
    if ideal.isEmpty { return 0 }
    var (sum, found) = (0.0, 0)
    var (discounted, idealDiscounted) = (0.0, 0.0)
    var next = 0
    func advance(to end: Int) {
      while next < min(end, ideal.count) {
        idealDiscounted += ideal[next] / Discount.log2(next)
        next += 1
      }
    }
    gains.forEachGain(ranking) { place, gain in
      advance(to: place + 1)
      discounted += gain / Discount.log2(place)
      if gain > 0 {
        sum += discounted / idealDiscounted
        found += 1
      }
    }
    advance(to: ideal.count)
    sum += Double(ideal.count - found) * discounted / idealDiscounted
    return sum > 0 ? sum / Double(ideal.count) : 0
  }
}
