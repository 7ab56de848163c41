/// Blocks of 128 numbers of equally many bits, in four lanes: number i is in lane i mod 4, and the bits
/// of a lane follow each other, low ones first, in words of 32.
///
/// Source: Lemire, Boytsov and Kurz, SIMD compression and the intersection of sorted integers (2016).
enum PackedBlock {
  static let count = 128

  /// Bytes of a block.
  static func size(bits: Int) -> Int { 16 * bits }

  /// Bits that the largest of some numbers needs.
  static func bits(_ numbers: some Sequence<UInt32>) -> Int {
    32 - numbers.reduce(0, |).leadingZeroBitCount
  }

  /// Appends a block of 128 numbers.
  static func pack(_ numbers: [UInt32], bits: Int, to bytes: inout [UInt8]) {
    precondition(numbers.count == count, "\(numbers.count) numbers of \(count)")
    if bits == 0 { return }
    var words = [UInt32](repeating: 0, count: 4 * bits)
    for (place, number) in numbers.enumerated() {
      let (row, lane) = (place / 4 * bits, place % 4)
      words[4 * (row >> 5) + lane] |= number << UInt32(row & 31)
      if row & 31 + bits > 32 {
        words[4 * (row >> 5) + 4 + lane] |= number >> UInt32(32 - row & 31)
      }
    }
    for word in words { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
  }

  /// Reads a block.
  ///
  /// - Parameters:
  ///   - source: 16 bytes for each bit.
  ///   - bits: At most 32.
  ///   - target: Room for 128 numbers.
  @inline(__always)
  static func unpack(
    _ source: UnsafeRawPointer, bits: Int, into target: UnsafeMutablePointer<UInt32>
  ) {
    unpack(source, bits: bits) { row, numbers in
      UnsafeMutableRawPointer(target + 4 * row).storeBytes(of: numbers, as: SIMD4<UInt32>.self)
    }
  }

  /// Reads a block of distances, each less one, of numbers that ascend.
  ///
  /// - Parameters:
  ///   - source: 16 bytes for each bit.
  ///   - bits: At most 32.
  ///   - last: The number in front of the first; all bits set where 0 may be the first.
  ///   - target: Room for 128 numbers.
  @inline(__always)
  static func unpackAscending(
    _ source: UnsafeRawPointer, bits: Int, after last: UInt32,
    into target: UnsafeMutablePointer<UInt32>
  ) {
    var before = SIMD4<UInt32>(repeating: last)
    unpack(source, bits: bits) { row, numbers in
      var sums = numbers &+ SIMD4(repeating: 1)
      sums = sums &+ SIMD4(0, sums[0], sums[1], sums[2])
      sums = sums &+ SIMD4(0, 0, sums[0], sums[1])
      sums = sums &+ before
      before = SIMD4(repeating: sums[3])
      UnsafeMutableRawPointer(target + 4 * row).storeBytes(of: sums, as: SIMD4<UInt32>.self)
    }
  }

  @inline(__always)
  private static func unpack(
    _ source: UnsafeRawPointer, bits: Int, _ body: (_ row: Int, SIMD4<UInt32>) -> Void
  ) {
    let mask = SIMD4<UInt32>(repeating: bits == 32 ? .max : 1 << UInt32(bits) - 1)
    if bits == 0 {
      for row in 0..<32 { body(row, SIMD4(repeating: 0)) }
      return
    }
    for row in 0..<32 {
      let start = row &* bits
      let shift = UInt32(truncatingIfNeeded: start & 31)
      let word = source + 16 &* (start >> 5)
      var numbers = word.loadUnaligned(as: SIMD4<UInt32>.self) &>> SIMD4(repeating: shift)
      if Int(shift) &+ bits > 32 {
        numbers |=
          (word + 16).loadUnaligned(as: SIMD4<UInt32>.self) &<< SIMD4(repeating: 32 &- shift)
      }
      body(row, numbers & mask)
    }
  }
}
