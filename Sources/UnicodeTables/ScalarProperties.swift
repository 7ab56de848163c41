/// What tokenizers and analysers ask about a Unicode scalar.
///
/// The answers are those of Hugging Face `tokenizers` 0.22, whose parts follow different versions
/// of Unicode; each member says which.
package struct ScalarProperties: OptionSet, Sendable {
  package let rawValue: UInt8

  @inlinable @inline(__always)
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// White_Space (all versions): Rust's `char::is_whitespace`.
  @inlinable package static var whiteSpace: ScalarProperties { ScalarProperties(rawValue: 1) }
  /// General category Cc, Cf or Co of Unicode 8.0: `is_other` of the crate unicode_categories.
  @inlinable package static var control: ScalarProperties { ScalarProperties(rawValue: 2) }
  /// General category P* of Unicode 8.0, or ASCII's `$+<=>^` + "`|~": what BERT splits at.
  @inlinable package static var punctuation: ScalarProperties { ScalarProperties(rawValue: 4) }
  /// General category Mn of Unicode 8.0: what BERT strips as accents.
  @inlinable package static var nonspacingMark: ScalarProperties { ScalarProperties(rawValue: 8) }
  /// In one of the CJK ideograph blocks that BERT sets off with spaces.
  @inlinable package static var ideograph: ScalarProperties { ScalarProperties(rawValue: 16) }
  /// `\w` of regular expressions, Unicode 16.0 (crate regex-syntax).
  @inlinable package static var word: ScalarProperties { ScalarProperties(rawValue: 32) }
  /// Has a lower case other than itself, Unicode 17.0: Rust's `char::to_lowercase`.
  @inlinable package static var hasLowercase: ScalarProperties { ScalarProperties(rawValue: 64) }
  /// Has a canonical decomposition, or a combining class other than 0, in Unicode 9.0 (crate
  /// unicode-normalization-alignments).
  @inlinable package static var changesInNFD: ScalarProperties { ScalarProperties(rawValue: 128) }

  @inlinable package static var whiteSpaceOrPunctuation: ScalarProperties {
    ScalarProperties(rawValue: 1 | 4)
  }

  // The standard library's `contains` and `isDisjoint` are not specialized here.

  /// Whether every property of `other` is here.
  @inlinable @inline(__always)
  package func contains(_ other: ScalarProperties) -> Bool {
    rawValue & other.rawValue == other.rawValue
  }

  /// Whether any property is in both.
  @inlinable @inline(__always)
  package func meets(_ other: ScalarProperties) -> Bool { rawValue & other.rawValue != 0 }

  /// The properties of `scalar`, a Unicode scalar value.
  package static func of(_ scalar: UInt32) -> ScalarProperties {
    let kind = ScalarTrie.properties.one(scalar)
    return ScalarProperties(
      rawValue: UInt8(truncatingIfNeeded: ScalarTrie.number(ScalarTrie.propertySets, 2 &* kind, 2)))
  }
}
