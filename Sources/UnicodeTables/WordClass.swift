/// What a scalar is for the words of a text: Word_Break of Unicode 12.1, as the StandardTokenizer of
/// Lucene 9 has it, with the scripts, the line breaks and the emoji that it looks at folded in.
package enum WordClass: UInt8, Sendable {
  case other
  case letter, hebrew, numeric, katakana, extendNumLet
  case midLetter, midNum, midNumLet, singleQuote, doubleQuote
  /// Extend and Format.
  case extend
  case joiner
  case han
  case hiragana
  /// Line_Break SA, and those of them that extend.
  case southeastAsian, southeastAsianExtend
  case regionalIndicator
  case emoji, emojiBase, emojiModifier
  case emojiPresentation, textPresentation
  /// `#` and `*`; digits.
  case keycapBase, digit
  case keycap
  case tag, tagEnd
  /// Letters that are emoji as well, and such of Han.
  case letterEmoji, letterHan

  /// The class of `scalar`.
  @inline(__always)
  package static func of(_ scalar: UInt32) -> WordClass {
    WordClass(rawValue: UInt8(truncatingIfNeeded: ScalarTrie.words.one(scalar))) ?? .other
  }
}
