import Kernels
import Vectors

/// What a document's score is at most, by the levels of its centroids and the length of what is left of
/// its vectors.
///
/// A decoded vector is f (c + r) with its factor f. By Cauchy and Schwarz q · f r is at most ‖q‖ ρ, where
/// ρ is the document's radius; and q · f c is at most q · c + ‖q‖ ‖c‖ |f - 1|. The largest product of the
/// document's centroids is at most half a level above its level's.
struct ScoreBound {
  private let isKnown: Bool
  private let isMean: Bool
  private let base: Double
  private let step: Double
  /// Sum or maximum of the lengths of the query's vectors.
  private let length: Double
  /// What a factor changes the product of any centroid with a vector of length 1 by.
  private let change: Double
  private let count: Int

  /// - Parameters:
  ///   - scores: The centroids' scores of a query, with levels.
  ///   - scoring: What a score is.
  ///   - codebook: The centroids.
  init(_ scores: CentroidScores, _ scoring: VectorScoring, _ codebook: PlaidCodebook) {
    // Distances have their squares in them, which levels do not.
    isKnown = scoring.similarity != .l2 && scores.inverse > 0
    isMean = scoring.aggregations.query == .mean
    let query = scores.query
    count = query?.count ?? 0
    let lengths = (query?.lengths ?? []).map { Double($0) }
    let lows = scores.lows.prefix(count).map { Double($0) }
    let isMax = scoring.aggregations.query == .max
    base = isMax ? lows.reduce(-.infinity, max) : lows.reduce(0, +)
    length = isMax ? lengths.reduce(0, max) : lengths.reduce(0, +)
    step = scores.inverse > 0 ? 1 / Double(scores.inverse) : 0
    let longest = codebook.longest
    let factor = codebook.factors.reduce(Float(0)) { max($0, ($1 - 1).magnitude) }
    change = Double(longest) * Double(factor)
  }

  /// The bound of a document.
  ///
  /// - Parameters:
  ///   - number: Sum or maximum of its levels.
  ///   - radius: Its radius.
  /// - Returns: What its score is at most, with more than rounding can add.
  func most(_ number: Int32, radius: Float) -> Float {
    guard isKnown else { return .infinity }
    let half = Double(count) * 0.51
    let sum = base + (Double(number) + half) * step + length * (Double(radius) + change)
    let most = sum + (sum.magnitude + length) * 0x1p-12
    return Float(roundingUp: isMean ? most / Double(max(count, 1)) : most)
  }
}
