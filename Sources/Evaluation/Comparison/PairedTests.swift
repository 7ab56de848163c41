import Glibc

/// Tests of whether the differences of two runs' values are chance; two-sided.
package enum PairedTests {
  /// A statistic and the chance of one as extreme.
  package struct Outcome: Sendable {
    /// The statistic of the test: t, or the smaller sum of ranks.
    package var statistic: Double
    /// The chance of a statistic as extreme as this, if the runs did not differ.
    package var p: Double
  }

  /// The arithmetic mean of per-query values or differences; NaN for none.
  package static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// The standard deviation with n - 1.
  package static func deviation(_ values: [Double]) -> Double {
    let mean = mean(values)
    let sum = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (sum / Double(values.count - 1)).squareRoot()
  }

  /// Student's t-test of paired values, as `scipy.stats.ttest_rel`.
  ///
  /// NaN where all differences are 0, or there is one.
  package static func student(_ differences: [Double]) -> Outcome {
    let n = Double(differences.count)
    let t = mean(differences) / (deviation(differences) / n.squareRoot())
    return Outcome(statistic: t, p: Distributions.studentTwoSided(t, degrees: n - 1))
  }

  /// Whether the mean difference lies within ± `margin`: two one-sided t-tests, the greater p.
  package static func equivalence(_ differences: [Double], margin: Double) -> Outcome {
    let n = Double(differences.count)
    let error = deviation(differences) / n.squareRoot()
    let mean = mean(differences)
    let lower = (mean + margin) / error
    let upper = (mean - margin) / error
    // The other tail, not 1 less this one: small values keep their digits.
    let above = Distributions.student(-lower, degrees: n - 1)
    let below = Distributions.student(upper, degrees: n - 1)
    return above > below
      ? Outcome(statistic: lower, p: above) : Outcome(statistic: upper, p: below)
  }

  /// Wilcoxon's signed-rank test, as `scipy.stats.wilcoxon` does it by default.
  ///
  /// It is exact for up to 50 queries without ties or zeros, and for up to 13 with them; else
  /// normal, corrected for ties.
  package static func wilcoxon(_ differences: [Double]) -> Outcome {
    let kept = differences.filter { $0 != 0 }
    let (doubledRanks, tieTerm) = ranks(kept.map { abs($0) })
    var (plus, minus) = (0, 0)
    for (difference, rank) in zip(kept, doubledRanks) {
      if difference > 0 { plus += rank } else { minus += rank }
    }
    let statistic = Double(min(plus, minus)) / 2
    let isPlain = tieTerm == 0 && kept.count == differences.count
    if differences.count <= (isPlain ? 50 : 13) {
      return Outcome(statistic: statistic, p: exact(plus, doubledRanks))
    }
    let n = Double(kept.count)
    let variance = (n * (n + 1) * (2 * n + 1) - tieTerm / 2) / 24
    let z = (Double(plus) / 2 - n * (n + 1) / 4) / variance.squareRoot()
    return Outcome(statistic: statistic, p: 2 * Distributions.normal(-abs(z)))
  }

  /// Twice the ranks of values, ties averaged, and the sum of t³ - t over ties of t values.
  private static func ranks(_ values: [Double]) -> (doubled: [Int], tieTerm: Double) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var doubled = [Int](repeating: 0, count: values.count)
    var tieTerm = 0.0
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for i in start..<end { doubled[order[i]] = start + 1 + end }
      let count = Double(end - start)
      tieTerm += count * count * count - count
      start = end
    }
    return (doubled, tieTerm)
  }

  /// How likely a sum of ranks is as far out, over all choices of signs.
  private static func exact(_ sum: Int, _ ranks: [Int]) -> Double {
    let total = ranks.reduce(0, +)
    var chances = [Double](repeating: 0, count: total + 1)
    chances[0] = 1
    for rank in ranks {
      for i in stride(from: total, through: 0, by: -1) {
        chances[i] = 0.5 * (chances[i] + (i >= rank ? chances[i - rank] : 0))
      }
    }
    let below = chances[...sum].reduce(0, +)
    let above = chances[sum...].reduce(0, +)
    return min(1, 2 * min(below, above))
  }

  /// Fisher's randomisation test of the mean, as `scipy.stats.permutation_test` with samples.
  ///
  /// All choices of signs are tried where there are no more than `resamples`, else so many random
  /// ones, and one is added to their count.
  package static func randomisation(
    _ differences: [Double], resamples: Int, seed: UInt64
  ) -> Double {
    let n = differences.count
    let observed = differences.reduce(0, +)
    // Sums of the same terms differ by rounding, which must not part ties.
    let slack = differences.reduce(0) { $0 + abs($1) } * 1e-14
    var (below, above) = (0, 0)
    func count(_ sum: Double) {
      if sum <= observed + slack { below += 1 }
      if sum >= observed - slack { above += 1 }
    }
    let isExact = n < 40 && 1 << n <= resamples
    let tries = isExact ? 1 << n : resamples
    var random = SeededRandom(seed)
    for choice in 0..<tries {
      var sum = 0.0
      var bits: UInt64 = 0
      for (i, difference) in differences.enumerated() {
        if isExact {
          bits = UInt64(choice >> i)
        } else if i % 64 == 0 {
          bits = random.next()
        } else {
          bits >>= 1
        }
        sum += bits & 1 == 0 ? difference : -difference
      }
      count(sum)
    }
    let extra = isExact ? 0 : 1
    return min(1, 2 * Double(min(below, above) + extra) / Double(tries + extra))
  }

  /// Confidence interval of the mean by the bootstrap: percentiles of the means of resamples.
  package static func bootstrap(
    _ differences: [Double], confidence: Double, resamples: Int, seed: UInt64
  ) -> (low: Double, high: Double) {
    var random = SeededRandom(seed)
    var means: [Double] = []
    for _ in 0..<resamples {
      var sum = 0.0
      for _ in differences { sum += differences[random.index(below: differences.count)] }
      means.append(sum / Double(differences.count))
    }
    means.sort()
    return (
      percentile(means, (1 - confidence) / 2), percentile(means, 1 - (1 - confidence) / 2)
    )
  }

  /// A percentile of sorted values, linear between them.
  private static func percentile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (sorted[upper] - sorted[lower]) * (position - Double(lower))
  }
}

/// SplitMix64: the same numbers everywhere for a seed.
struct SeededRandom {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number from 0 to `bound` - 1, without bias that matters (2⁻⁶⁴ · bound).
  mutating func index(below bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}
