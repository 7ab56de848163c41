import Kernels

/// A vector as bytes with one scale, and how far the bytes are from it.
package struct ByteCode: Sendable {
  package var codes: [Int8]
  /// What the codes are multiplied by.
  package var scale: Float
  /// At least the Euclidean distance between the vector and its code.
  package var error: Float
  /// At least the vector's Euclidean length, and at most 2^-22 of it more.
  package var norm: Float

  /// Codes a row of finite numbers.
  ///
  /// Symmetric: the largest number becomes 127. Where that step is so small that its numbers
  /// cannot be told apart, all are zeros, and the error is the length.
  package init(_ row: UnsafeBufferPointer<Float>) {
    var largest: Float = 0
    for value in row { largest = max(largest, abs(value)) }
    scale = largest >= Self.leastRange ? largest / 127 : 0
    let inverse = scale > 0 ? 1 / Double(scale) : 0
    var error = 0.0
    var norm = 0.0
    codes = []
    codes.reserveCapacity(row.count)
    for value in row {
      let value = Double(value)
      let code = max(-127, min(127, (value * inverse).rounded(.toNearestOrEven)))
      codes.append(Int8(code))
      // The product of eight and 24 bits is exact.
      let difference = value - code * Double(scale)
      error += difference * difference
      norm += value * value
    }
    self.error = Self.length(error, row.count)
    self.norm = Self.length(norm, row.count)
  }

  /// The code with the error and the length that it has for another row.
  package func standing(for row: [Float]) -> ByteCode {
    var other = self
    var (error, norm) = (0.0, 0.0)
    for (code, value) in zip(codes, row) {
      let difference = Double(value) - Double(code) * Double(scale)
      error += difference * difference
      norm += Double(value) * Double(value)
    }
    other.error = Self.length(error, row.count)
    other.norm = Self.length(norm, row.count)
    return other
  }

  /// The code with the error and the length that it has where it is the vector itself, decoded and
  /// compared: a distance counts the length of what is there, not of what it was made from.
  package func standingForItself(_ similarity: Similarity, _ kernels: Kernels) -> ByteCode {
    var decoded = codes.map { Float($0) * scale }
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&decoded, dimension: decoded.count, kernels)
    }
    return standing(for: decoded)
  }

  /// Below this a range is as good as zero; products of steps stay far from the smallest numbers.
  private static let leastRange: Float = 0x1p-100

  /// A length in single precision that is at least the real one, from a sum of squares in double
  /// precision of `count` numbers.
  package static func length(_ squares: Double, _ count: Int) -> Float {
    // Each sum and each square is off by 2^-53 at most, and the root by as much.
    Float(roundingUp: (squares * (1 + Double(count + 4) * 0x1p-52)).squareRoot() * (1 + 0x1p-52))
  }
}
