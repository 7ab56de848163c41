/// Ascending numbers as the gaps between them, in about as many bits as the gaps' mean needs: the low
/// bits of a gap as they are, the rest in unary (Rice, Some practical universal noiseless coding
/// techniques, JPL 79-22, 1979).
///
/// Bits fill each byte from its lowest one. A list begins with a byte that has the number of low bits.
enum GapCode {
  /// The bytes of a list of ascending numbers from 0 up; none of an empty one.
  static func encode(_ numbers: [Int32]) -> [UInt8] {
    guard let last = numbers.last else { return [] }
    let mean = (Int(last) + 1) / numbers.count
    // Log2 of 0.69 times the mean.
    let low = max(0, Int.bitWidth - 1 - max(1, mean * 69 / 100).leadingZeroBitCount)
    var writer = BitWriter(bytes: [UInt8(low)])
    var next = 0
    for number in numbers {
      let gap = Int(number) - next
      next = Int(number) + 1
      writer.append(unary: gap >> low)
      writer.append(UInt64(gap & (1 << low - 1)), bits: low)
    }
    return writer.finished
  }

  private struct BitWriter {
    var bytes: [UInt8]
    private var word: UInt64 = 0
    private var filled = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// As many ones, and a zero.
    mutating func append(unary count: Int) {
      var count = count
      while count >= 32 {
        append(0xFFFF_FFFF, bits: 32)
        count -= 32
      }
      append(1 << UInt64(count) - 1, bits: count + 1)
    }

    mutating func append(_ value: UInt64, bits: Int) {
      word |= value << UInt64(filled)
      filled += bits
      while filled >= 8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
        filled -= 8
      }
    }

    var finished: [UInt8] { filled == 0 ? bytes : bytes + [UInt8(truncatingIfNeeded: word)] }
  }

  /// Calls `body` with the numbers of a list.
  ///
  /// - Parameters:
  ///   - bytes: A list.
  ///   - count: Its numbers.
  ///   - limit: What all numbers are below.
  ///   - body: Gets them, ascending.
  /// - Returns: Whether the bytes hold such a list, and nothing behind it.
  @inline(__always)
  static func decode(
    _ bytes: UnsafeRawBufferPointer, count: Int, below limit: Int, _ body: (Int) -> Void
  ) -> Bool {
    if count == 0 { return bytes.isEmpty }
    guard let first = bytes.first, first < 32 else { return false }
    let low = Int(first)
    var reader = BitReader(bytes: bytes, place: 1)
    var next = 0
    for _ in 0..<count {
      guard let high = reader.unary(atMost: limit >> low) else { return false }
      guard let rest = reader.bits(low) else { return false }
      let number = next + (high << low | rest)
      guard number < limit else { return false }
      body(number)
      next = number + 1
    }
    return reader.isAtEnd
  }

  private struct BitReader {
    let bytes: UnsafeRawBufferPointer
    var place: Int
    private var word: UInt64 = 0
    private var filled = 0

    init(bytes: UnsafeRawBufferPointer, place: Int) {
      self.bytes = bytes
      self.place = place
    }

    /// At least 32 bits, where there are as many.
    @inline(__always)
    private mutating func fill() {
      if place + 4 <= bytes.count {
        let four = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self).littleEndian
        word |= UInt64(four) << UInt64(filled)
        place += 4
        filled += 32
        return
      }
      while filled < 32, place < bytes.count {
        word |= UInt64(bytes[place]) << UInt64(filled)
        place += 1
        filled += 8
      }
    }

    @inline(__always)
    mutating func unary(atMost limit: Int) -> Int? {
      var count = 0
      while true {
        if filled < 32 { fill() }
        let ones = min((~word).trailingZeroBitCount, filled)
        count += ones
        if count > limit { return nil }
        if ones < filled {
          // The zero, too; all 64 bits are never ones, of which 63 at most are shifted out.
          word >>= UInt64(ones)
          word >>= 1
          filled -= ones + 1
          return count
        }
        if place == bytes.count { return nil }
        word = 0
        filled = 0
      }
    }

    @inline(__always)
    mutating func bits(_ count: Int) -> Int? {
      if filled < count { fill() }
      if filled < count { return nil }
      let value = word & (1 << UInt64(count) - 1)
      word >>= UInt64(count)
      filled -= count
      return Int(value)
    }

    /// Whether less than a byte is left, of zeros.
    var isAtEnd: Bool { place == bytes.count && filled < 8 && word == 0 }
  }
}
