/// Checks that bytes are well-formed UTF-8 (Unicode 15, table 3-7).
package enum UTF8Validation {
  /// The offset of the first byte that is not part of a well-formed sequence, or nil.
  package static func firstInvalid(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int? {
    var i = range.lowerBound
    let end = range.upperBound
    precondition(i >= 0 && end <= bytes.count, "UTF-8 check: \(range) of \(bytes.count) bytes")
    while i < end {
      // Eight ASCII bytes at a time: most text is ASCII.
      while i + 8 <= end,
        bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        i += 8
      }
      if i >= end { return nil }
      if bytes[i] < 0x80 { i += 1; continue }
      guard let length = sequenceLength(bytes, at: i, end: end) else { return i }
      i += length
    }
    return nil
  }

  package static func firstInvalid(_ bytes: UnsafeRawBufferPointer) -> Int? {
    firstInvalid(bytes, 0..<bytes.count)
  }

  /// Length of the well-formed sequence whose lead byte (0x80 or more) is at `i`; nil if there is
  /// none.
  private static func sequenceLength(
    _ bytes: UnsafeRawBufferPointer, at i: Int, end: Int
  ) -> Int? {
    let lead = bytes[i]
    let length: Int
    // The second byte's range excludes overlong forms, surrogates and values above U+10FFFF.
    let second: ClosedRange<UInt8>
    switch lead {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEC, 0xEE...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return nil
    }
    guard i + length <= end, second.contains(bytes[i + 1]) else { return nil }
    for j in 2..<max(length, 2) where bytes[i + j] & 0xC0 != 0x80 { return nil }
    return length
  }
}
