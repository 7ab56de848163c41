import Kernels

/// What proves, from the product of a query's code with a document's, that the document cannot be
/// among the best of the query.
///
/// With codes q̂ of a query and x̂ of a document, by Cauchy and Schwarz
/// |q·x − q̂·x̂| ≤ ‖q‖ ‖x − x̂‖ + ‖q − q̂‖ ‖x̂‖, and ‖x̂‖ ≤ ‖x‖ + ‖x − x̂‖. What is compared in the end
/// is not q·x but a sum of fused multiply-adds in single precision, off by at most γ ‖q‖ ‖x‖ with
/// γ = d u / (1 − d u), u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); and
/// the product of the codes is off by a share of ‖q̂‖ ‖x̂‖, too. So a document's score is within
/// error · `byError` + norm · `byNorm` + `byNone` of the product, all rounded upwards.
///
/// Euclidean distances are ranked by t = q·x − ‖x‖²/2, since ‖q − x‖² = ‖q‖² − 2 t. A distance is
/// rounded to single precision, so that those which differ by less are equal: twice u of the square,
/// which is at most 2 ‖q‖² + 2 ‖x‖².
package struct ScoreProof: Sendable {
  package let similarity: Similarity
  package let bounds: ScoreBounds
  /// Lengths of the queries, rounded upwards.
  package let norms: [Float]
  /// Squares of the lengths of the queries, rounded downwards.
  private let squares: [Double]

  /// One query: its numbers, and how far its code is from it.
  package struct Query {
    /// Sum of the squares of the numbers.
    package var square: Double
    /// Sum of the squares of their differences from the code.
    package var error: Double

    /// A query that is its own code.
    package init(_ values: ArraySlice<Float>) {
      square = values.reduce(0.0) { $0 + Double($1) * Double($1) }
      error = 0
    }

    package init(_ values: ArraySlice<Float>, code: [Int8], scale: Float) {
      (square, error) = (0, 0)
      for (code, value) in zip(code, values) {
        let difference = Double(value) - Double(code) * Double(scale)
        square += Double(value) * Double(value)
        error += difference * difference
      }
    }
  }

  /// - Parameters:
  ///   - queries: What is known of each.
  ///   - dimension: Numbers of a vector.
  ///   - rounding: What a product of codes is off by, as a share of ‖q̂‖ ‖x̂‖.
  ///   - similarity: What a score is.
  init(_ queries: [Query], dimension: Int, rounding: Double, _ similarity: Similarity) {
    let gamma = Self.gamma(dimension)
    var bounds = ScoreBounds(byError: [], byNorm: [], byNone: [])
    // The bound itself is a sum in single precision, and so is the product with it.
    let slack = 1 + 0x1p-18
    var norms: [Float] = []
    for query in queries {
      let q = Double(ByteCode.length(query.square, dimension))
      let r = Double(ByteCode.length(query.error, dimension))
      let rounding = rounding * (q + r)
      bounds.byError.append(Float(roundingUp: (q + r + rounding) * slack))
      bounds.byNorm.append(
        Float(roundingUp: (gamma * q + r + rounding) * slack + 0x1p-20 * (q + r)))
      let distance = similarity == .l2 ? 0x1p-21 * q * q : 0
      bounds.byNone.append(Float(roundingUp: distance * slack) + Self.underflow)
      norms.append(Float(roundingUp: q))
    }
    self.similarity = similarity
    self.bounds = bounds
    self.norms = norms
    squares = queries.map { $0.square * (1 - Double(dimension + 4) * 0x1p-52) }
  }

  /// The share of the lengths' product that a sum of fused multiply-adds may be off by.
  static func gamma(_ dimension: Int) -> Double {
    let unit = 0x1p-24 * Double(dimension)
    return unit < 0.5 ? unit / (1 - unit) : .infinity
  }

  /// More than products and sums below the smallest normal number lose: 65536 of them.
  private static let underflow: Float = 0x1p-100

  /// Whether the bounds hold for all queries and documents of at most some length: then no sum
  /// overflows, neither of theirs nor of the scores.
  package func covers(documentsUpTo norm: Float) -> Bool {
    norm < Self.longest && norms.allSatisfy { $0 < Self.longest }
  }

  private static let longest: Float = 0x1p60

  /// What may stand in a score besides the product at most, for a document of some length.
  ///
  /// It is nothing, but for distances; the length is known to 2^-22 of it.
  package static func offset(_ similarity: Similarity, norm: Float) -> Float {
    similarity == .l2 ? -0.5 * norm * norm * (1 - 0x1p-18) : 0
  }

  /// What a document's score is at least: in the order of the scores, not their values.
  package func least(_ query: Int, product: Float, error: Float, norm: Float) -> Float {
    let offset = similarity == .l2 ? -0.5 * norm * norm * (1 + 0x1p-18) : 0
    return product + offset - bound(query, error, norm)
  }

  /// What a document's score is at most, as the kernels have it.
  package func most(_ query: Int, product: Float, error: Float, norm: Float) -> Float {
    product + bound(query, error, norm) + Self.offset(similarity, norm: norm)
  }

  private func bound(_ query: Int, _ error: Float, _ norm: Float) -> Float {
    error * bounds.byError[query] + norm * bounds.byNorm[query] + bounds.byNone[query]
  }

  /// A number such that documents whose `most` is below it have lower scores than `score`, which is
  /// a score itself and not its place in an order.
  ///
  /// A distance is known to 2^-24 of it, and greater ones than s (1 + 2^-21) are so when rounded, too.
  package func threshold(_ query: Int, reaching score: Float) -> Float {
    guard similarity == .l2, score > -.infinity else { return score }
    let distance = Double(score)
    return -Float(
      roundingUp: 0.5 * (distance * distance * (1 + 0x1p-20) - squares[query]) + 0x1p-100)
  }
}

extension Float {
  /// The least number that is not below another one; infinity where there is none.
  package init(roundingUp value: Double) {
    let nearest = Float(value)
    self = Double(nearest) < value ? nearest.nextUp : nearest
  }
}
