import Kernels

/// A query as tables: what each combination of four signs adds to the product with a code.
///
/// Σ s · q is the tables' sum times `step`, and `base`. The rounding is to the nearest, ties to even, and
/// every operation is written out, so that the numbers are the same on every machine.
struct GraphTables {
  let tables: UnsafeMutablePointer<UInt8>
  private let sums: UnsafeMutablePointer<Float>
  private let width: Int
  private(set) var step: Float = 0
  private(set) var base: Float = 0

  init(width: Int) {
    self.width = width
    tables = .allocate(capacity: 4 * width)
    sums = .allocate(capacity: 4 * width)
  }

  func deallocate() {
    tables.deallocate()
    sums.deallocate()
  }

  /// Makes the tables of a rotated query[width].
  mutating func fill(_ query: UnsafePointer<Float>) {
    var most: Float = 0
    var sizes: Float = 0
    for nibble in 0..<width / 4 {
      let q = query + 4 * nibble
      let t = sums + 16 * nibble
      var least: Float = 0
      for i in 0..<4 {
        sizes += abs(q[i])
        least += min(q[i], 0)
      }
      // Beyond the least sum a sign that is set adds twice its number.
      t[0] = -2 * least
      var filled = 1
      for i in 0..<4 {
        let twice = 2 * q[i]
        for code in 0..<filled { t[filled + code] = t[code] + twice }
        filled *= 2
      }
      var largest: Float = 0
      for code in 0..<16 { largest = max(largest, t[code]) }
      most = max(most, largest)
    }
    base = -sizes
    step = most / Float(BitTables.most)
    guard step >= .leastNormalMagnitude else {
      step = 0
      tables.update(repeating: 0, count: 4 * width)
      return
    }
    let by = Float(BitTables.most) / most
    // A number below 2^22 and 2^23 make a float whose last bits are the rounded number.
    for i in 0..<4 * width {
      let shifted = max(sums[i] * by, 0) + 0x1p23
      tables[i] = UInt8(truncatingIfNeeded: min(shifted.bitPattern & 0xff, 63))
    }
  }
}
