import UnicodeTables

/// Words between white space.
enum WhitespaceSplit {
  /// Calls `word` with each word of valid UTF-8.
  @inline(__always)
  static func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    var start = 0
    var i = 0
    while i < count {
      let byte = bytes[i]
      if byte < 0x80 {
        i &+= 1
        if byte == 0x20 || byte &- 9 < 5 {
          if start < i &- 1 { word(bytes + start, i &- 1 &- start) }
          start = i
        }
        continue
      }
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      if isSpace(scalar) {
        if start < i { word(bytes + start, i &- start) }
        start = i &+ length
      }
      i &+= length
    }
    if start < count { word(bytes + start, count &- start) }
  }

  /// Whether a scalar beyond ASCII is white space.
  @inline(__always)
  private static func isSpace(_ scalar: UInt32) -> Bool {
    if scalar < 0x1680 { return scalar == 0x85 || scalar == 0xA0 }
    if scalar > 0x3000 { return false }
    return ScalarProperties.of(scalar).contains(.whiteSpace)
  }
}
