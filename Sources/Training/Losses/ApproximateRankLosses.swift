import Glibc

/// Ranks that can be differentiated: rank(i) = 1 + Σ_{j≠i} σ((s_j - s_i) / temperature).
///
/// Qin et al., A general approximation framework for direct optimization of information retrieval
/// measures, 2010; Lightning IR `loss/approximate.py`.
private struct ApproximateRanks {
  let ranks: [Double]
  /// slope[i·N + j] = d rank(i) / d s_j for j ≠ i; d rank(i) / d s_i is minus their sum.
  private let slopes: [Double]

  init(_ scores: ArraySlice<Float>, temperature: Double) {
    let s = scores.map { Double($0) }
    let n = s.count
    var ranks = [Double](repeating: 1, count: n)
    var slopes = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n where j != i {
        let share = 1 / (1 + exp((s[i] - s[j]) / temperature))
        ranks[i] += share
        slopes[i * n + j] = share * (1 - share) / temperature
      }
    }
    self.ranks = ranks
    self.slopes = slopes
  }

  /// Derivatives by the scores, from derivatives by the ranks.
  func propagate(_ byRank: [Double]) -> [Double] {
    let n = ranks.count
    var byScore = [Double](repeating: 0, count: n)
    for i in 0..<n {
      for j in 0..<n {
        let slope = byRank[i] * slopes[i * n + j]
        byScore[j] += slope
        byScore[i] -= slope
      }
    }
    return byScore
  }
}

/// One minus nDCG over approximate ranks.
///
/// Lightning IR `loss/approximate.py`. Targets below 0 bring nothing. With `scalesGains` a target
/// t brings 2^t - 1, else t.
package struct ApproxNDCG: TemperedLoss {
  package var temperature: Double
  package var scalesGains: Bool
  /// The least DCG that the best ranking is taken to have, for queries without gains.
  private static let leastIdeal = 1e-12

  package init(temperature: Double = 1, scalesGains: Bool = true) {
    self.temperature = temperature
    self.scalesGains = scalesGains
  }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in
      let approximate = ApproximateRanks(scores.row(query), temperature: temperature)
      let gains = targets.row(query).map { target in
        let target = max(Double(target), 0)
        return scalesGains ? exp2(target) - 1 : target
      }
      // The order of targets below 0 does not matter: none of them has a gain.
      var ideal = 0.0
      for (gain, rank) in zip(gains, targets.ranks(query)) {
        ideal += gain / log2(Double(rank) + 1)
      }
      ideal = max(ideal, Self.leastIdeal)
      var found = 0.0
      var byRank: [Double] = []
      for (gain, rank) in zip(gains, approximate.ranks) {
        let discount = log2(rank + 1)
        found += gain / discount
        byRank.append(gain / (discount * discount * (rank + 1) * M_LN2 * ideal))
      }
      return (1 - found / ideal, approximate.propagate(byRank))
    }
  }
}

/// One minus the reciprocal approximate rank of the best relevant document.
///
/// Lightning IR `loss/approximate.py`: targets above 1 count as 1, others as they are.
package struct ApproxMRR: TemperedLoss {
  package var temperature: Double

  package init(temperature: Double = 1) { self.temperature = temperature }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in
      let approximate = ApproximateRanks(scores.row(query), temperature: temperature)
      let gains = targets.row(query).map { min(Double($0), 1) }
      let reciprocal = zip(gains, approximate.ranks).map { $0 / $1 }
      var best = 0
      for i in reciprocal.indices where reciprocal[i] > reciprocal[best] { best = i }
      var byRank = [Double](repeating: 0, count: gains.count)
      let rank = approximate.ranks[best]
      byRank[best] = gains[best] / (rank * rank)
      return (1 - reciprocal[best], approximate.propagate(byRank))
    }
  }
}

/// The squared difference between approximate ranks and those of the targets.
///
/// Schlatt et al., Rank-DistiLLM, ECIR 2025; Lightning IR `loss/approximate.py`.
package struct ApproxRankMSE: TemperedLoss {
  /// Factor of the error at a rank.
  package enum Discount: String, Sendable, CaseIterable {
    /// 1 / log2(rank + 1)
    case log2
    /// 1 / rank
    case reciprocal
  }

  package var temperature: Double
  package var discount: Discount?

  package init(temperature: Double = 1, discount: Discount? = nil) {
    self.temperature = temperature
    self.discount = discount
  }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    let documents = Double(scores.documents)
    return meanOverQueries(scores) { query in
      let approximate = ApproximateRanks(scores.row(query), temperature: temperature)
      var value = 0.0
      var byRank: [Double] = []
      for (rank, target) in zip(approximate.ranks, targets.ranks(query)) {
        let weight = weight(Double(target)) / documents
        let error = rank - Double(target)
        value += error * error * weight
        byRank.append(2 * error * weight)
      }
      return (value, approximate.propagate(byRank))
    }
  }

  private func weight(_ rank: Double) -> Double {
    switch discount {
    case nil: 1
    case .log2: 1 / Glibc.log2(rank + 1)
    case .reciprocal: 1 / rank
    }
  }
}
