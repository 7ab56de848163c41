import Glibc

/// The Kullback–Leibler divergence of the scores' softmax from that of the targets.
///
/// Lightning IR `loss/listwise.py`.
package struct KLDivergence: ScoringLoss {
  package init() {}

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in
      let (p, q) = (Softmax(targets.row(query)), Softmax(scores.row(query)))
      var value = 0.0
      for i in p.shares.indices { value += p.shares[i] * (p.logarithms[i] - q.logarithms[i]) }
      return (value, zip(q.shares, p.shares).map { $0 - $1 })
    }
  }
}

/// The cross entropy of the scores' softmax, where the document with the largest target is right;
/// of several the first.
///
/// van den Oord et al., arXiv:1807.03748; Lightning IR `loss/listwise.py`, which has no temperature.
package struct InfoNCE: ScoringLoss {
  package var scale: LogitScale

  package init(scale: LogitScale = LogitScale()) { self.scale = scale }

  package var numberName: String? { scale.name.rawValue }
  package var number: Double {
    get { scale.number }
    set { scale.number = newValue }
  }

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in
      scale.crossEntropy(scores.row(query), right: firstLargest(targets.row(query)))
    }
  }
}

/// One minus Pearson's correlation of scores and targets.
///
/// Lightning IR `loss/listwise.py`: the cosine of centred vectors, each length being at least 1e-8
/// as in `torch.nn.functional.cosine_similarity`. Constant targets give 1.
package struct PearsonCorrelation: ScoringLoss {
  private static let shortestLength = 1e-8

  package init() {}

  package func callAsFunction(_ scores: ScoreTable, _ targets: ScoreTable) -> LossValue {
    meanOverQueries(scores) { query in
      let (x, y) = (Self.centred(scores.row(query)), Self.centred(targets.row(query)))
      let xLength = max(Self.length(x), Self.shortestLength)
      let yLength = max(Self.length(y), Self.shortestLength)
      let cosine = zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } / (xLength * yLength)
      // d cos / dx = (y/|y| - cos · x/|x|) / |x|, whose elements have a sum of 0: centring the
      // scores does not change it.
      let slopes = zip(x, y).map { -($1 / yLength - cosine * $0 / xLength) / xLength }
      return (1 - cosine, slopes)
    }
  }

  private static func centred(_ row: ArraySlice<Float>) -> [Double] {
    let mean = row.reduce(0) { $0 + Double($1) } / Double(row.count)
    return row.map { Double($0) - mean }
  }

  private static func length(_ x: [Double]) -> Double {
    x.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }
}

/// Index of the largest value, the first of several.
func firstLargest(_ row: ArraySlice<Float>) -> Int {
  var best = row.startIndex
  for i in row.indices where row[i] > row[best] { best = i }
  return best - row.startIndex
}

/// The mean over the queries of a loss of each query's own scores; `loss` gives its value and
/// derivatives for one query.
func meanOverQueries(
  _ scores: ScoreTable, _ loss: (_ query: Int) -> (value: Double, slopes: [Double])
) -> LossValue {
  var total = LossValue(count: scores.values.count)
  for query in 0..<scores.queries {
    let (value, slopes) = loss(query)
    total.value += value
    for (i, slope) in slopes.enumerated() {
      total.gradient[query * scores.documents + i] = slope
    }
  }
  total.average(over: scores.queries)
  return total
}

/// Shares of e^x among several, and their logarithms.
struct Softmax {
  let shares: [Double]
  let logarithms: [Double]

  init(_ row: some Collection<Float>) { self.init(row.map { Double($0) }) }

  init(_ row: [Double]) {
    let largest = row.reduce(-.infinity, max)
    let sum = row.reduce(0) { $0 + exp($1 - largest) }
    logarithms = row.map { $0 - largest - log(sum) }
    shares = logarithms.map(exp)
  }

  /// -log(share) of the right one, and its derivative by all x.
  func crossEntropy(right: Int) -> (value: Double, slopes: [Double]) {
    var slopes = shares
    slopes[right] -= 1
    return (-logarithms[right], slopes)
  }
}
