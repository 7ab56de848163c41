/// Full lower case without context, Unicode 17.0: Rust's `char::to_lowercase`.
package enum Lowercase {
  /// U+0130, the one scalar whose lower case is two: `i` and U+0307.
  package static let dottedCapitalI: UInt32 = 0x130
  /// What follows `i` in the lower case of U+0130.
  package static let combiningDotAbove: UInt32 = 0x307

  /// The lower case of `scalar`, itself where there is none.
  ///
  /// For `dottedCapitalI` it is only the first of two: `combiningDotAbove` follows.
  package static func of(_ scalar: UInt32) -> UInt32 {
    if scalar < 0x80 {
      return scalar &- 0x41 < 26 ? scalar | 0x20 : scalar
    }
    let index = ScalarTrie.lowercase.two(scalar)
    if index == 0 { return scalar }
    return UInt32(ScalarTrie.number(ScalarTrie.lowercaseScalars, 4 &* (index &- 1), 4))
  }
}
