/// A table from Unicode scalars to small integers, in three stages of 272, 64 and 64 entries.
///
/// The stages are string literals, which cost nothing at start: each number is written in base 64,
/// most significant digit first, digits being the characters from `0` (0x30) on. Blocks that are
/// equal are stored once. `scripts/make-unicode-tables` writes them.
struct ScalarTrie: Sendable {
  let top: StaticString
  let middle: StaticString
  let leaves: StaticString

  /// The entry of `scalar` in a table whose entries have one digit.
  @inline(__always)
  func one(_ scalar: UInt32) -> Int {
    Self.digit(leaves, block(scalar) &* 64 &+ Int(scalar & 63))
  }

  /// The entry of `scalar` in a table whose entries have two digits.
  @inline(__always)
  func two(_ scalar: UInt32) -> Int {
    Self.number(leaves, 2 &* (block(scalar) &* 64 &+ Int(scalar & 63)), 2)
  }

  @inline(__always)
  private func block(_ scalar: UInt32) -> Int {
    precondition(scalar < 0x110000, "no scalar")
    let row = Self.digit(top, Int(scalar >> 12))
    return Self.number(middle, 2 &* (row &* 64 &+ Int(scalar >> 6 & 63)), 2)
  }

  @inline(__always)
  static func digit(_ text: StaticString, _ index: Int) -> Int {
    Int(text.utf8Start[index]) &- 0x30
  }

  /// The number whose `count` digits start at `index`.
  @inline(__always)
  static func number(_ text: StaticString, _ index: Int, _ count: Int) -> Int {
    var value = 0
    for i in 0..<count { value = value &<< 6 | digit(text, index &+ i) }
    return value
  }
}
