/// Means over all orders of tied documents, each as likely as any other, by formula.
///
/// Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores
/// (McSherry and Najork, ECIR 2008) has them for precision, recall, AP, RR and nDCG.
struct TieExpectation {
  private let ranking: JudgedRanking
  /// For each place, the tie that it is in: its own place alone where there is none.
  private let groups: [Range<Int>]

  init(_ ranking: JudgedRanking) {
    self.ranking = ranking
    var groups: [Range<Int>] = []
    for tie in ranking.ties {
      while (groups.last?.upperBound ?? 0) < tie.lowerBound {
        let place = groups.last?.upperBound ?? 0
        groups.append(place..<(place + 1))
      }
      groups.append(tie)
    }
    while (groups.last?.upperBound ?? 0) < ranking.count {
      let place = groups.last?.upperBound ?? 0
      groups.append(place..<(place + 1))
    }
    self.groups = groups
  }

  /// The expected sum over places below `cutoff` of weight · gain.
  func sum(
    cutoff: Int = .max, gain: (_ place: Int) -> Double, weight: (_ place: Int) -> Double
  ) -> Double {
    var sum = 0.0
    for group in groups {
      if group.lowerBound >= cutoff { break }
      let mean = group.reduce(0) { $0 + gain($1) } / Double(group.count)
      if mean == 0 { continue }
      for place in group where place < cutoff { sum += mean * weight(place) }
    }
    return sum
  }

  /// The expected number of documents with at least this grade at places below `cutoff`.
  func hits(_ level: Int, cutoff: Int) -> Double {
    sum(cutoff: cutoff, gain: { ranking.grades[$0] >= level ? 1 : 0 }, weight: { _ in 1 })
  }

  /// For each place below `cutoff`, the expected product of 1 - `stop` over the places up to it.
  ///
  /// In a tie of n documents the product over m of them is the elementary symmetric polynomial of
  /// degree m of their factors over the number of ways to pick them.
  func survival(cutoff: Int = .max, stop: (_ place: Int) -> Double) -> [Double] {
    var products: [Double] = []
    var before = 1.0
    for group in groups {
      if group.lowerBound >= cutoff { break }
      // means[m]: the mean product of m of the factors so far.
      var means = [1.0]
      for place in group {
        let factor = 1 - stop(place)
        let count = Double(means.count)
        means.append(means[means.count - 1] * factor)
        for m in stride(from: means.count - 2, to: 0, by: -1) {
          // The new one is among m of `count` with chance m / count.
          means[m] += (means[m - 1] * factor - means[m]) * Double(m) / count
        }
      }
      for m in 1...group.count where group.lowerBound + m - 1 < cutoff {
        products.append(before * means[m])
      }
      before *= means[group.count]
    }
    return products
  }

  /// The expected sum over relevant places below `cutoff` of precision at that place.
  func precisionSum(cutoff: Int = .max, isRelevant: (_ place: Int) -> Bool) -> Double {
    var sum = 0.0
    var above = 0.0
    for group in groups {
      if group.lowerBound >= cutoff { break }
      let relevant = Double(group.count { isRelevant($0) })
      let size = Double(group.count)
      if relevant > 0 {
        for place in group where place < cutoff {
          let inside = Double(place - group.lowerBound)
          let others = size > 1 ? inside * (relevant - 1) / (size - 1) : 0
          sum += relevant / size * (1 + above + others) / Double(place + 1)
        }
      }
      above += relevant
    }
    return sum
  }

  /// The expected sum over relevant documents of a term that depends on how many of the others
  /// stand above: a relevant one stands behind 0, 1… of those it is tied with alike.
  func sumOverOthersAbove(
    isRelevant: (_ place: Int) -> Bool, isOther: (_ place: Int) -> Bool,
    term: (_ above: Int) -> Double
  ) -> Double {
    var sum = 0.0
    var above = 0
    for group in groups {
      let relevant = group.count { isRelevant($0) }
      let others = group.count { isOther($0) }
      if relevant > 0 {
        let mean = (0...others).reduce(0.0) { $0 + term(above + $1) } / Double(others + 1)
        sum += Double(relevant) * mean
      }
      above += others
    }
    return sum
  }
}
