/// Where extended grapheme clusters end, Unicode 16.0: the Rust crate unicode-segmentation 1.12.0.
///
/// Scalars are fed one after the other. Source: The Unicode Standard, annex 29, section 3.1.1.
package struct GraphemeBreak {
  /// Grapheme_Cluster_Break, with Extended_Pictographic and Indic_Conjunct_Break folded in.
  package enum Class: UInt8, Sendable {
    case other
    case carriageReturn, lineFeed, control
    /// Extend, by Indic_Conjunct_Break too.
    case extend
    /// Extend, but nothing by Indic_Conjunct_Break: U+200C.
    case nonJoiner
    /// Extend, and a linker by Indic_Conjunct_Break.
    case linker
    case joiner
    case spacingMark, prepend
    /// A consonant by Indic_Conjunct_Break.
    case consonant
    case lead, vowel, tail, leadVowel, leadVowelTail
    case regionalIndicator, pictograph

    /// The class of `scalar`.
    @inline(__always)
    package static func of(_ scalar: UInt32) -> Class {
      Class(rawValue: UInt8(truncatingIfNeeded: ScalarTrie.graphemes.one(scalar))) ?? .other
    }

    fileprivate var extends: Bool {
      self == .extend || self == .joiner || self == .nonJoiner || self == .linker
    }
    fileprivate var isControl: Bool {
      self == .control || self == .carriageReturn || self == .lineFeed
    }
  }

  /// What GB9c has seen: a consonant, and a linker after it.
  private enum Conjunct { case none, consonant, linked }
  /// What GB11 has seen: a pictograph with what extends it, and a joiner after that.
  private enum Emoji { case none, pictograph, joined }

  private var before = Class.control
  private var conjunct = Conjunct.none
  private var emoji = Emoji.none
  private var oddRegionals = false

  /// At the start of a text.
  package init() {}

  /// Takes the next scalar's class, and says whether a cluster ends before it.
  package mutating func next(_ after: Class) -> Bool {
    let isBoundary = breaks(after)
    advance(after)
    return isBoundary
  }

  private func breaks(_ after: Class) -> Bool {
    if before == .carriageReturn, after == .lineFeed { return false }
    if before.isControl || after.isControl { return true }
    if joinsHangul(after) || after.extends || after == .spacingMark || before == .prepend {
      return false
    }
    switch after {
    case .consonant: return conjunct != .linked
    case .pictograph: return emoji != .joined
    case .regionalIndicator: return !(before == .regionalIndicator && oddRegionals)
    default: return true
    }
  }

  private func joinsHangul(_ after: Class) -> Bool {
    switch before {
    case .lead:
      return after == .lead || after == .vowel || after == .leadVowel || after == .leadVowelTail
    case .leadVowel, .vowel: return after == .vowel || after == .tail
    case .leadVowelTail, .tail: return after == .tail
    default: return false
    }
  }

  private mutating func advance(_ after: Class) {
    switch after {
    case .consonant: conjunct = .consonant
    case .linker: if conjunct != .none { conjunct = .linked }
    case .extend, .joiner: break
    default: conjunct = .none
    }
    switch after {
    case .pictograph: emoji = .pictograph
    case .joiner: emoji = emoji == .pictograph ? .joined : .none
    default: if !after.extends || emoji == .joined { emoji = .none }
    }
    oddRegionals = after == .regionalIndicator && !oddRegionals
    before = after
  }
}
