import IndexFormat

/// What turns a frequency and the byte of a length into a score.
///
/// A document that has a term f times gets weight - weight / (1 + f / (k1 (1 - b + b length / average))),
/// in single precision in this order, as Lucene 9.5 does it. Each step is rounded, and monotone: no
/// score falls with f or grows with the length. So the score of a pair bounds those of the postings that
/// have no greater frequency and no smaller length, bit for bit.
///
/// Source: BM25Similarity of Lucene 9.5.
///
/// Unchecked: nobody writes to the numbers.
final class ScoreModel: @unchecked Sendable {
  /// What a frequency is multiplied by, for each length byte.
  let inverses: UnsafePointer<Float>

  init(k1: Float, b: Float, average: Float) {
    let inverses = UnsafeMutablePointer<Float>.allocate(capacity: 256)
    for byte in 0..<256 {
      let length = Float(DocumentLength.length(UInt8(byte)))
      inverses[byte] = 1 / (k1 * ((1 - b) + b * length / average))
    }
    self.inverses = UnsafePointer(inverses)
  }

  deinit { inverses.deallocate() }

  /// The score where a frequency times the inverse of a length is `factor`.
  @inline(__always)
  static func score(_ weight: Float, _ factor: Float) -> Float { weight - weight / (1 + factor) }

  /// Whether sums of scores in double precision are exact, so that their order does not matter.
  ///
  /// A score is a multiple of half a unit in the last place of its weight: where more than half of the
  /// weight is taken away, the rest has the units of the quotient, else the quotient those of a number
  /// above half the weight. So is every sum, which no more than 53 bits need where the weights' sum is
  /// below 2^29 times the power of two below the least of them.
  static func sumsAreExact(_ weights: [Float]) -> Bool {
    let positive = weights.filter { $0 != 0 }
    guard let least = positive.min() else { return true }
    guard least >= .leastNormalMagnitude else { return false }
    return positive.reduce(0) { $0 + Double($1) } < Double(least.binade) * 0x1p29
  }
}
