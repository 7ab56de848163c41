/// What decoded vectors are multiplied by, in four bits each: the number that brings a decoded vector
/// nearest to what it was made from, which buckets' means make too short.
enum FactorCode {
  /// Sixteen numbers: medians of as many parts of equal size; ones where there are none.
  static func learned(_ sorted: [Float]) -> [Float] {
    guard !sorted.isEmpty else { return [Float](repeating: 1, count: 16) }
    return (0..<16).map { level in
      sorted[min(sorted.count - 1, (2 * level + 1) * sorted.count / 32)]
    }
  }

  /// The number of the nearest factor; of equally near ones the first.
  static func nearest(_ ratio: Float, _ factors: [Float]) -> UInt8 {
    var best = 0
    for level in 1..<16
    where (factors[level] - ratio).magnitude < (factors[best] - ratio).magnitude {
      best = level
    }
    return UInt8(best)
  }

  /// The factor of a decoded vector, given its product with what it was made from and its square: at
  /// least 1/16 and at most 16.
  static func ratio(product: Double, square: Double) -> Float {
    guard square > 0 else { return 1 }
    return Float(min(16, max(0.0625, product / square)))
  }
}
