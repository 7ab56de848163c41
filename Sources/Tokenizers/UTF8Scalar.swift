/// Scalars of valid UTF-8.
enum UTF8Scalar {
  /// The scalar that starts at `bytes`, and its length in bytes.
  @inline(__always)
  static func decode(_ bytes: UnsafePointer<UInt8>) -> (scalar: UInt32, length: Int) {
    let lead = UInt32(bytes[0])
    if lead < 0x80 { return (lead, 1) }
    if lead < 0xE0 { return ((lead & 0x1F) &<< 6 | tail(bytes, 1), 2) }
    if lead < 0xF0 { return ((lead & 0x0F) &<< 12 | tail(bytes, 1) &<< 6 | tail(bytes, 2), 3) }
    let high = (lead & 0x07) &<< 18 | tail(bytes, 1) &<< 12
    return (high | tail(bytes, 2) &<< 6 | tail(bytes, 3), 4)
  }

  /// The scalar that ends before `end`; there is one.
  @inline(__always)
  static func decode(before end: UnsafePointer<UInt8>) -> (scalar: UInt32, length: Int) {
    var start = end - 1
    while start.pointee & 0xC0 == 0x80 { start -= 1 }
    return decode(start)
  }

  /// Writes `scalar` at `target`, and says how many bytes it took.
  @inline(__always)
  static func encode(_ scalar: UInt32, _ target: UnsafeMutablePointer<UInt8>) -> Int {
    if scalar < 0x80 {
      target[0] = UInt8(truncatingIfNeeded: scalar)
      return 1
    }
    if scalar < 0x800 {
      target[0] = UInt8(truncatingIfNeeded: 0xC0 | scalar &>> 6)
      target[1] = trail(scalar)
      return 2
    }
    if scalar < 0x10000 {
      target[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar &>> 12)
      target[1] = trail(scalar &>> 6)
      target[2] = trail(scalar)
      return 3
    }
    target[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar &>> 18)
    target[1] = trail(scalar &>> 12)
    target[2] = trail(scalar &>> 6)
    target[3] = trail(scalar)
    return 4
  }

  @inline(__always)
  private static func tail(_ bytes: UnsafePointer<UInt8>, _ index: Int) -> UInt32 {
    UInt32(bytes[index] & 0x3F)
  }

  @inline(__always)
  private static func trail(_ bits: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: 0x80 | bits & 0x3F)
  }
}
