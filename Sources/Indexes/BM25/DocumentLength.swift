/// Lengths of documents in one byte, as Lucene keeps them: exact below 40, from there on four
/// significant bits of the length less 24.
///
/// Source: SmallFloat.intToByte4 and byte4ToInt of Lucene 9.5.
enum DocumentLength {
  /// Lengths below this are kept as they are.
  private static let exact = 24

  static func byte(_ length: Int) -> UInt8 {
    precondition(length >= 0, "a length of \(length)")
    if length < exact { return UInt8(length) }
    return UInt8(min(255, exact + packed(length - exact)))
  }

  static func length(_ byte: UInt8) -> Int {
    let byte = Int(byte)
    return byte < exact ? byte : exact + unpacked(byte - exact)
  }

  /// Three bits behind the leading one, and how far they are shifted, counted from 1.
  private static func packed(_ number: Int) -> Int {
    let bits = Int.bitWidth - number.leadingZeroBitCount
    if bits < 4 { return number }
    let shift = bits - 4
    return (number >> shift) & 7 | (shift + 1) << 3
  }

  private static func unpacked(_ code: Int) -> Int {
    let (bits, shift) = (code & 7, (code >> 3) - 1)
    return shift < 0 ? bits : (bits | 8) << shift
  }
}
