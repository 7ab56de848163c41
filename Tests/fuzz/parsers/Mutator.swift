/// Changes inputs, by a seed: bits, bytes, numbers, and parts that are left out, said twice or taken from another
/// input.
struct Mutator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// splitmix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }

  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(count, 1))) }

  private static let bytes: [UInt8] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x09, 0x20, 0x22, 0x5B, 0x5D, 0x7B, 0x7D, 0x2C, 0x3A, 0x2D, 0x30,
    0xC3, 0xEF,
  ]
  private static let words: [UInt64] = [
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40,
    1 << 62,
    0x7FFF_FFFF_FFFF_FFFF, 1 << 63, .max, .max - 7,
  ]
  private static let numbers = [
    "-1", "0", "1", "2", "2147483647", "2147483648", "4294967296", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808", "1e30", "1e308", "-1e999", "0.5", "nan", "null",
    "[]", "{}", "\"\"",
  ]

  /// An input with one to four changes.
  mutating func changed(_ input: [UInt8], with other: [UInt8]) -> [UInt8] {
    var bytes = input
    for _ in 0...below(4) { change(&bytes, other) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
    let place = below(bytes.count)
    let end = min(bytes.count, place + 1 + below(below(8) == 0 ? bytes.count : 16))
    switch below(9) {
    case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(below(8))
    case 1 where !bytes.isEmpty: bytes[place] = Self.bytes[below(Self.bytes.count)]
    case 2 where !bytes.isEmpty: bytes[place] = UInt8(truncatingIfNeeded: next())
    case 3 where !bytes.isEmpty: bytes.removeSubrange(place..<end)
    case 4 where !bytes.isEmpty:
      bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count))
    case 5 where !other.isEmpty:
      let start = below(other.count)
      let part = other[start..<min(other.count, start + 1 + below(64))]
      bytes.replaceSubrange(place..<(below(2) == 0 ? place : end), with: part)
    case 6 where bytes.count >= 8: setWord(&bytes)
    case 7: setNumber(&bytes)
    default: bytes.removeLast(below(min(bytes.count, 64)))
    }
  }

  /// A little-endian number of one to eight bytes.
  private mutating func setWord(_ bytes: inout [UInt8]) {
    let size = 1 << below(4)
    let start = below(bytes.count - size + 1)
    let word = Self.words[below(Self.words.count)]
    for place in 0..<size {
      bytes[start + place] = UInt8(truncatingIfNeeded: word >> UInt64(8 * place))
    }
  }

  /// Another number in the place of one in digits.
  private mutating func setNumber(_ bytes: inout [UInt8]) {
    let start = below(bytes.count)
    let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
    guard let first = bytes[start...].firstIndex(where: isDigit) else { return }
    let end = bytes[first...].firstIndex { !isDigit($0) } ?? bytes.count
    bytes.replaceSubrange(first..<end, with: Self.numbers[below(Self.numbers.count)].utf8)
  }
}
