import Kernels

/// Some queries of several vectors each as bytes, and the range in which their scores with documents
/// of bytes lie, for the sum, the mean or the maximum of maxima.
///
/// `ScoreProof` bounds the score of two vectors. A maximum is at most the largest upper end; and the
/// vector that has it is above its own upper end less twice the bound, for which the document's
/// largest error and norm stand. Sums of n numbers in single precision are off by less than n · 2^-23 of
/// what their absolute values add up to.
package struct ByteInteraction: Sendable {
  /// Number of queries.
  package let count: Int
  private let queries: ByteQueries
  private let similarity: Similarity
  private let aggregation: Aggregation
  /// Where each query's vectors begin, and where the last ones end.
  private let starts: [Int]
  /// Bounds by error and norm, as the kernel takes them; zeros where nothing is to be proven.
  private let byError: [Float]
  private let byNorm: [Float]
  /// Sums over each query's vectors of what bounds them by error, by norm and by none.
  private let totals: [Bound]
  /// What bounds each vector by none.
  private let byNone: [Float]
  private let proves: Bool

  private struct Bound: Sendable {
    var error = 0.0
    var norm = 0.0
    var none = 0.0

    /// The bound of documents whose vectors have at most some error and length.
    func total(_ error: Double, _ norm: Double) -> Double {
      // More than what these products in double precision lose.
      (error * self.error + norm * self.norm + none) * (1 + 0x1p-40)
    }
  }

  /// - Parameters:
  ///   - sets: The queries' vectors, of which there is at least one, `width` numbers each.
  ///   - width: Numbers of a vector.
  ///   - similarity: What the score of two vectors is.
  ///   - aggregation: How a query's maxima become a score.
  ///   - proves: Whether ranges are proven; else both ends are the score of the codes.
  ///   - kernels: What codes them.
  package init(
    _ sets: some Collection<VectorSet>, width: Int, _ similarity: Similarity,
    _ aggregation: Aggregation, proves: Bool, _ kernels: Kernels
  ) {
    count = sets.count
    self.similarity = similarity
    self.aggregation = aggregation
    var starts = [0]
    var values: [Float] = []
    for set in sets {
      values += set.values
      starts.append(values.count / width)
    }
    let vectors = values.count / width
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&values, dimension: width, kernels)
    }
    let queries = ByteQueries(values, count: vectors, similarity, kernels)
    func padded(_ bounds: [Float]) -> [Float] {
      (0..<(vectors + 15) / 16 * 16).map { proves && $0 < vectors ? bounds[$0] : 0 }
    }
    byError = padded(queries.proof.bounds.byError)
    byNorm = padded(queries.proof.bounds.byNorm)
    byNone = padded(queries.proof.bounds.byNone)
    var totals: [Bound] = []
    for query in 0..<starts.count - 1 {
      var total = Bound()
      for vector in starts[query]..<starts[query + 1] {
        total.error += Double(byError[vector])
        total.norm += Double(byNorm[vector])
        total.none += Double(byNone[vector])
      }
      totals.append(total)
    }
    self.proves = proves
    self.starts = starts
    self.queries = queries
    self.totals = totals
  }

  /// Whether the ranges hold for documents whose vectors have at most some length: no sum overflows,
  /// neither of theirs nor of the scores.
  package func covers(documentsUpTo norm: Float) -> Bool {
    let all = queries.proof.norms.reduce(0) { $0 + Double($1) } + Double(norm)
    return queries.proof.covers(documentsUpTo: norm) && all * all < 0x1p120
  }

  /// Whether a score exists of a query and a document of `items` vectors: no maximum runs over
  /// nothing.
  package func hasScore(_ query: Int, items: Int) -> Bool {
    starts[query] == starts[query + 1] ? aggregation != .max : items > 0
  }

  /// Numbers between a document's and each of the queries' vectors.
  package var width: Int { byError.count }

  /// Fills most[documents, width] with the upper ends of the maxima.
  ///
  /// - Parameters:
  ///   - rows: The documents' vectors.
  ///   - starts: The row at which each document begins, from 0, and that at which the last one ends.
  ///   - most: Room for them.
  ///   - kernels: What multiplies.
  package func largest(
    _ rows: ByteRows, starts: [Int], into most: AlignedBuffer, _ kernels: Kernels
  ) {
    kernels.largest(
      rows, queries.matrix, byError: byError, byNorm: byNorm, starts: starts, into: most)
  }

  /// The range of a query's score with a document that has vectors.
  ///
  /// - Parameters:
  ///   - query: Which one; of a query without vectors the score is 0.
  ///   - maxima: What `largest` gave for the document.
  ///   - error: The largest error of the document's vectors.
  ///   - norm: The largest length.
  /// - Returns: Both ends, rounded outwards.
  package func range(
    _ query: Int, _ maxima: UnsafePointer<Float>, error: Float, norm: Float
  ) -> (least: Float, most: Float) {
    let vectors = starts[query]..<starts[query + 1]
    if vectors.isEmpty { return (0, 0) }
    let (error, norm) = (Double(error), Double(norm))
    var ends: (least: Double, most: Double)
    if similarity != .l2, aggregation != .max {
      // The bounds of all vectors together.
      var (sum, absolute) = (0.0, 0.0)
      for vector in vectors {
        sum += Double(maxima[vector])
        absolute += Double(maxima[vector].magnitude)
      }
      let bound = totals[query].total(error, norm)
      ends = (sum + totals[query].none - 2 * bound, sum + totals[query].none)
      widen(&ends, vectors.count, absolute + 2 * bound)
    } else {
      ends = combined(vectors, maxima, error, norm)
    }
    let least = -Float(roundingUp: -ends.least)
    let most = Float(roundingUp: ends.most)
    guard aggregation == .mean else { return (least, most) }
    // Rounding is monotone: what is divided is a sum in single precision there, too.
    return (least / Float(vectors.count), most / Float(vectors.count))
  }

  /// Adds what a sum in single precision is off by.
  private func widen(
    _ ends: inout (least: Double, most: Double), _ count: Int, _ absolute: Double
  ) {
    let rounding = proves ? Double(count + 4) * 0x1p-23 * absolute : 0
    ends.least -= rounding
    ends.most += rounding
  }

  /// The ends of a sum or a maximum, vector by vector.
  private func combined(
    _ vectors: Range<Int>, _ maxima: UnsafePointer<Float>, _ error: Double, _ norm: Double
  ) -> (least: Double, most: Double) {
    let isMax = aggregation == .max
    var ends = isMax ? (least: -Double.infinity, most: -Double.infinity) : (least: 0, most: 0)
    var absolute = 0.0
    for vector in vectors {
      let own = range(of: vector, Double(maxima[vector]), error, norm)
      if isMax {
        ends = (max(ends.least, own.least), max(ends.most, own.most))
      } else {
        ends = (ends.least + own.least, ends.most + own.most)
        absolute += max(own.least.magnitude, own.most.magnitude)
      }
    }
    if !isMax { widen(&ends, vectors.count, absolute) }
    return ends
  }

  /// The ends of one vector's maximum.
  private func range(
    of vector: Int, _ maximum: Double, _ error: Double, _ norm: Double
  ) -> (least: Double, most: Double) {
    let bound = Bound(
      error: Double(byError[vector]), norm: Double(byNorm[vector]), none: Double(byNone[vector]))
    let most = maximum + bound.none
    var least = most - 2 * bound.total(error, norm)
    guard similarity == .l2 else { return (least, most) }
    // Distances are ranked by t = q·x − ‖x‖²/2, and ‖q − x‖² = ‖q‖² − 2 t; lengths are known to 2^-22
    // of them, and distances are rounded to single precision.
    let square = Double(queries.proof.norms[vector]) * Double(queries.proof.norms[vector])
    guard proves else {
      let distance = max(0, square - 2 * most).squareRoot()
      return (-distance, -distance)
    }
    least -= 0x1p-18 * norm * norm
    return (
      -max(0, square - 2 * least).squareRoot() * (1 + 0x1p-22),
      -max(0, square * (1 - 0x1p-20) - 2 * most).squareRoot() * (1 - 0x1p-22)
    )
  }
}
