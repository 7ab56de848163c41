import Glibc

/// Pairs of documents of one query of which one has the larger target.
///
/// Lightning IR `loss/base.py`, `PairwiseLossFunction`.
private struct DocumentPairs {
  /// Indices into the score table: where the better one is, and the worse one.
  var pairs: [(better: Int, worse: Int)] = []

  init(_ targets: ScoreTable) {
    let n = targets.documents
    for query in 0..<targets.queries {
      for i in query * n..<(query + 1) * n {
        for j in query * n..<(query + 1) * n where targets.values[i] > targets.values[j] {
          pairs.append((i, j))
        }
      }
    }
  }

  /// The mean of `loss` over the margins between the scores of all pairs; NaN without pairs.
  ///
  /// For a margin, score of the better minus score of the worse, `loss` gives value and derivative.
  func mean(
    _ scores: ScoreTable,
    _ loss: (_ margin: Double, _ better: Int, _ worse: Int) -> (value: Double, slope: Double)
  ) -> LossValue {
    var total = LossValue(count: scores.values.count)
    for (better, worse) in pairs {
      let margin = Double(scores.values[better]) - Double(scores.values[worse])
      let (value, slope) = loss(margin, better, worse)
      total.value += value
      total.gradient[better] += slope
      total.gradient[worse] -= slope
    }
    total.average(over: pairs.count)
    return total
  }
}

/// log(1 + e^(-t·m)) over margins m of pairs.
///
/// Burges et al., Learning to Rank using Gradient Descent, ICML 2005; Lightning IR
/// `loss/pairwise.py`. As there, scores are multiplied by the temperature.
package struct RankNet: TemperedLoss {
  package var temperature: Double

  package init(temperature: Double = 1) { self.temperature = temperature }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    DocumentPairs(targets).mean(scores) { margin, _, _ in
      let x = margin * temperature
      // log(1 + e^-x) without overflow; its derivative is -1 / (1 + e^x).
      return (max(-x, 0) + log1p(exp(-abs(x))), -temperature / (1 + exp(x)))
    }
  }
}

/// The squared difference between the margin of a pair and the margin that it should have.
///
/// Hofstätter et al., arXiv:2010.02666; Lightning IR `loss/pairwise.py`.
package struct MarginMSE: ScoringLoss {
  /// The margin that pairs should have.
  package enum Margin: Sendable, Equatable {
    case constant(Double)
    /// That of the targets, which a teacher gave.
    case targets
  }

  package var margin: Margin

  package init(margin: Margin = .constant(1)) { self.margin = margin }

  package var numberName: String? { if case .constant = margin { "margin" } else { nil } }
  package var number: Double {
    get { if case .constant(let margin) = margin { margin } else { 1 } }
    set { if case .constant = margin { margin = .constant(newValue) } }
  }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    DocumentPairs(targets).mean(scores) { margin, better, worse in
      let wanted =
        switch self.margin {
        case .constant(let margin): margin
        case .targets: Double(targets.values[better]) - Double(targets.values[worse])
        }
      let error = margin - wanted
      return (error * error, 2 * error)
    }
  }
}
