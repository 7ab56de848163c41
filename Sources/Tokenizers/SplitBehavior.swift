/// What becomes of the matches at which a text is split.
///
/// Source: `split` in `tokenizer/normalizer.rs` of Hugging Face `tokenizers` 0.22.2.
package enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  /// Neighbouring matches become one word.
  case contiguous = "Contiguous"
}

/// Puts the matches of a text and what lies between them together to words.
struct SplitAssembler {
  private let behavior: SplitBehavior
  /// The word that may still grow; `end` is -1 for none.
  private var start = 0
  private var end = -1
  /// Whether the last part was a match.
  private var wasMatch = false

  init(_ behavior: SplitBehavior) { self.behavior = behavior }

  /// Takes the next part of the text; parts follow each other without gaps.
  @inline(__always)
  mutating func add(_ from: Int, _ to: Int, isMatch: Bool, _ word: (Int, Int) -> Void) {
    switch behavior {
    case .removed:
      if !isMatch, to > from { word(from, to) }
    case .isolated:
      if to > from { word(from, to) }
    case .contiguous: grow(from, to, end >= 0 && isMatch == wasMatch, word)
    case .mergedWithPrevious: grow(from, to, end >= 0 && isMatch && !wasMatch, word)
    case .mergedWithNext: grow(from, to, end >= 0 && wasMatch && !isMatch, word)
    }
    wasMatch = isMatch
  }

  @inline(__always)
  private mutating func grow(_ from: Int, _ to: Int, _ joins: Bool, _ word: (Int, Int) -> Void) {
    if !joins {
      if end > start { word(start, end) }
      start = from
    }
    end = to
  }

  /// Ends the text.
  @inline(__always)
  mutating func finish(_ word: (Int, Int) -> Void) {
    if end > start { word(start, end) }
    end = -1
    wasMatch = false
  }
}
