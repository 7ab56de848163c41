import Kernels

/// Some dense queries as bytes, and what proves that a document cannot be among the best of one.
///
/// With codes q̂ of a query and x̂ of a document, by Cauchy and Schwarz
/// |q·x − q̂·x̂| ≤ ‖q‖ ‖x − x̂‖ + ‖q − q̂‖ ‖x̂‖, and ‖x̂‖ ≤ ‖x‖ + ‖x − x̂‖. What is compared in the end
/// is not q·x but a sum of fused multiply-adds in single precision, off by at most γ ‖q‖ ‖x‖ with
/// γ = d u / (1 − d u), u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); and
/// the product of the codes is an integer that is converted and scaled, with three roundings. So a
/// document's score is within error · `byError` + norm · `byNorm` + `byNone` of the product, all
/// rounded upwards.
///
/// Euclidean distances are ranked by t = q·x − ‖x‖²/2, since ‖q − x‖² = ‖q‖² − 2 t. A distance is
/// rounded to single precision, so that those which differ by less are equal: twice u of the square,
/// which is at most 2 ‖q‖² + 2 ‖x‖².
package struct ByteQueries: Sendable {
  /// The codes, as the kernels take them.
  package let matrix: NarrowMatrix
  package let bounds: ScoreBounds
  /// Lengths of the queries, rounded upwards.
  package let norms: [Float]

  /// - Parameters:
  ///   - values: queries[count, dimension], finite; of unit length already where cosines are asked for.
  ///   - count: How many, at least one.
  ///   - similarity: What a score is.
  ///   - kernels: What codes them.
  package init(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) {
    precondition(count > 0 && values.count % count == 0, "\(values.count) values, \(count) queries")
    let dimension = values.count / count
    let matrix = values.withUnsafeBufferPointer {
      NarrowMatrix(
        $0.baseAddress.unsafelyUnwrapped, .int8, rows: count, columns: dimension, kernels: kernels)
    }
    let unit = 0x1p-24 * Double(dimension)
    let gamma = unit < 0.5 ? unit / (1 - unit) : .infinity
    var bounds = ScoreBounds(byError: [], byNorm: [], byNone: [])
    var norms: [Float] = []
    for query in 0..<count {
      let (codes, scale) = matrix.bytes(of: query)
      var square = 0.0
      var error = 0.0
      for (code, value) in zip(codes, values[query * dimension..<(query + 1) * dimension]) {
        let difference = Double(value) - Double(code) * Double(scale)
        square += Double(value) * Double(value)
        error += difference * difference
      }
      let q = Double(ByteCode.length(square, dimension))
      let r = Double(ByteCode.length(error, dimension))
      let rounding = 0x1p-22 * (q + r)
      // The bound itself is a sum in single precision, and so is the product with it.
      let slack = 1 + 0x1p-18
      bounds.byError.append(Float(roundingUp: (q + r + rounding) * slack))
      bounds.byNorm.append(
        Float(roundingUp: (gamma * q + r + rounding) * slack + 0x1p-20 * (q + r)))
      let distance = similarity == .l2 ? 0x1p-21 * q * q : 0
      bounds.byNone.append(Float(roundingUp: distance * slack) + Self.underflow)
      norms.append(Float(roundingUp: q))
    }
    self.matrix = matrix
    self.bounds = bounds
    self.norms = norms
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
  package func least(
    _ query: Int, _ similarity: Similarity, product: Float, error: Float, norm: Float
  ) -> Float {
    let bound =
      error * bounds.byError[query] + norm * bounds.byNorm[query] + bounds.byNone[query]
    let offset = similarity == .l2 ? -0.5 * norm * norm * (1 + 0x1p-18) : 0
    return product + offset - bound
  }

  /// What a document's score is at most, as the kernels have it.
  package func most(
    _ query: Int, _ similarity: Similarity, product: Float, error: Float, norm: Float
  ) -> Float {
    let bound =
      error * bounds.byError[query] + norm * bounds.byNorm[query] + bounds.byNone[query]
    return product + bound + Self.offset(similarity, norm: norm)
  }
}
