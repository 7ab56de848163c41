/// Numbers in as many bytes as they need: seven bits each, the low ones first, and the eighth where
/// another byte follows.
enum VariableBytes {
  @inline(__always)
  static func append(_ number: UInt32, to bytes: inout [UInt8]) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// The number at a place, which moves behind it; nil where the bytes end before, or no number of
  /// 32 bits is there.
  @inline(__always)
  static func read(_ bytes: UnsafeRawBufferPointer, _ place: inout Int) -> UInt32? {
    var number: UInt32 = 0
    var shift: UInt32 = 0
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if shift == 28, byte > 0x0F { return nil }
      number |= UInt32(byte & 0x7F) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }
}
