import Failures
import Glibc

/// Normalised gain.
package struct GMeasure: Measure {
  package static let description = MeasureDescription(
    name: "G", summary: "gain of documents, discounted by what better ones could have stood above",
    formula: "sum of gain(i) / log2(2 + cost(i) - gains to i) / sum of gains;  "
      + "cost: ideal gains to i, at least 1 each",
    source: "trec_eval's G (experimental, 2008)", parameters: [.gains])

  private let gains: GainTable

  package init(_ arguments: MeasureArguments) throws(Failure) {
    gains = GainTable(try arguments.table("gains"))
  }

  package func value(_ ranking: JudgedRanking) -> Double {
    let ideal = gains.ideal(ranking)
    let total = ideal.reduce(0, +)
    if total == 0 { return 0 }
    var (value, collected, cost) = (0.0, 0.0, 0.0)
    var next = 0
    gains.forEachGain(ranking) { place, gain in
      while next <= place {
        cost += next < ideal.count ? max(ideal[next], 1) : 1
        next += 1
      }
      collected += gain
      value += gain / log2(2 + cost - collected)
    }
    return value / total
  }
}
