/// Hashes of ids, for tables in memory: fast, and never written down.
enum IDHash {
  private static let seed: (UInt64, UInt64) = (0x9E37_79B9_7F4A_7C15, 0xD134_2543_DE82_EF95)

  /// A hash of some bytes, good in its low and its high bits.
  ///
  /// Two words are multiplied to 128 bits and folded; short ids take one multiplication.
  @inline(__always)
  static func hash(_ id: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = id.baseAddress else { return 0 }
    var state = seed.1 ^ UInt64(truncatingIfNeeded: id.count)
    var offset = 0
    while id.count - offset > 16 {
      state = fold(word(start + offset) ^ state, word(start + offset + 8) ^ seed.0)
      offset += 16
    }
    let (low, high) = ends(start + offset, id.count - offset)
    return fold(low ^ state, high ^ seed.0)
  }

  /// Half of a hash, for columns of them.
  @inline(__always)
  static func short(_ id: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: hash(id) >> 32)
  }

  /// All of at most 16 bytes, in two words that may overlap.
  @inline(__always)
  private static func ends(_ start: UnsafeRawPointer, _ count: Int) -> (UInt64, UInt64) {
    if count >= 8 { return (word(start), word(start + (count - 8))) }
    if count >= 4 { return (half(start), half(start + (count - 4))) }
    var bytes: UInt64 = 0
    for i in 0..<count {
      bytes = bytes << 8 | UInt64(start.load(fromByteOffset: i, as: UInt8.self))
    }
    return (bytes, 0)
  }

  @inline(__always)
  private static func word(_ start: UnsafeRawPointer) -> UInt64 {
    start.loadUnaligned(as: UInt64.self)
  }

  @inline(__always)
  private static func half(_ start: UnsafeRawPointer) -> UInt64 {
    UInt64(start.loadUnaligned(as: UInt32.self))
  }

  @inline(__always)
  private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (high, low) = left.multipliedFullWidth(by: right)
    return high ^ low
  }
}
