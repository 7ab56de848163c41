import UnicodeTables

/// Words of a text as Lucene's StandardTokenizer finds them.
///
/// The rules of The Unicode Standard, annex 29, section 4, with ideographs and hiragana one by one,
/// the letters of Southeast Asia in runs, and emoji as UTS #51 joins them. What is none of these is
/// between words.
///
/// Source: StandardTokenizerImpl.jflex of Lucene 9.5, whose longest match decides. Compared with it on
/// every scalar, each between others of all kinds, and on a million drawn texts
/// (scripts/reference/anserini).
package struct WordScanner: Sendable {
  private var classes: [WordClass]

  /// - Parameter classes: Of a text's scalars.
  package init(_ classes: [WordClass]) { self.classes = classes }

  /// The next word from a scalar on, of a text that ends before another one; nil where there is none.
  func next(from start: Int, before end: Int) -> Range<Int>? {
    WordScanner(Array(classes[..<end])).next(from: start)
  }

  /// The next word from a scalar on; nil where there is none.
  package func next(from start: Int) -> Range<Int>? {
    for first in start..<max(start, classes.count) {
      let end = max(word(first), max(emoji(first), run(first)))
      if end > first { return first..<end }
    }
    return nil
  }

  // MARK: What stands at a place

  private func at(_ place: Int) -> WordClass? { place < classes.count ? classes[place] : nil }

  /// The end of a scalar with everything that extends it.
  private func extended(_ place: Int) -> Int {
    var end = place + 1
    while let next = at(end), next.extends { end += 1 }
    return end
  }

  // MARK: Ideographs, hiragana, Southeast Asia

  private func run(_ first: Int) -> Int {
    switch classes[first] {
    case .han, .hiragana, .letterHan: return extended(first)
    case .southeastAsian, .southeastAsianExtend:
      var end = extended(first)
      while let next = at(end), next == .southeastAsian || next == .southeastAsianExtend {
        end = extended(end)
      }
      return end
    default: return first
    }
  }

  // MARK: Letters, numbers, katakana

  /// What a word may go on with.
  private enum State {
    case start, letter, hebrew, numeric, katakana, connector
    /// A Hebrew letter with the quote behind it, or behind a double one.
    case quoted
  }

  /// The longest word of letters, numbers and katakana; `first` where there is none.
  private func word(_ first: Int) -> Int {
    var state = State.start
    var place = first
    var end = first
    while let next = at(place) {
      guard let (following, after) = step(state, next, place) else { break }
      state = following
      place = after
      // Connectors alone are no word.
      if state != .start { end = place }
    }
    return end
  }

  /// The state behind what stands at a place, and where that ends; nil where the word ends.
  private func step(_ state: State, _ next: WordClass, _ place: Int) -> (State, Int)? {
    let end = extended(place)
    switch next {
    case .extendNumLet: return (state == .start ? .start : .connector, end)
    case .katakana:
      let joins = state == .start || state == .katakana || state == .connector
      return joins ? (.katakana, end) : nil
    case .letter, .letterEmoji, .letterHan: return state == .katakana ? nil : (.letter, end)
    case .hebrew: return state == .katakana ? nil : (.hebrew, end)
    case .numeric, .digit: return state == .katakana ? nil : (.numeric, end)
    default: return across(state, next, end)
    }
  }

  /// What stands between two letters or two numbers of one word.
  private func across(_ state: State, _ next: WordClass, _ end: Int) -> (State, Int)? {
    let following = at(end)
    switch state {
    case .letter, .hebrew:
      if next == .midLetter || next == .midNumLet || next == .singleQuote,
        following?.isLetter ?? false
      {
        // A letter that was needed for this holds no quote; one behind a letter with its own does.
        let isFree = state == .hebrew && next == .singleQuote && following == .hebrew
        return (isFree ? .hebrew : .letter, extended(end))
      }
      if state == .hebrew, next == .singleQuote { return (.quoted, end) }
      if state == .hebrew, next == .doubleQuote, following == .hebrew {
        return (.quoted, extended(end))
      }
      return nil
    case .numeric:
      guard next == .midNum || next == .midNumLet || next == .singleQuote,
        following == .numeric || following == .digit
      else { return nil }
      return (.numeric, extended(end))
    default: return nil
    }
  }

  // MARK: Emoji

  /// The longest emoji; `first` where there is none.
  private func emoji(_ first: Int) -> Int {
    switch classes[first] {
    case .regionalIndicator:
      let second = extended(first)
      return at(second) == .regionalIndicator ? extended(second) : first
    case .keycapBase, .digit: return keycap(first)
    default: return sequence(first)
    }
  }

  private func keycap(_ first: Int) -> Int {
    var place = first + 1
    var end = first
    var sawPresentation = false
    while let next = at(place) {
      if next == .keycap { end = place + 1 }
      if next == .emojiPresentation {
        if sawPresentation { break }
        sawPresentation = true
      } else if sawPresentation, end <= first, next != .keycap {
        break
      } else if !next.extends || next == .textPresentation {
        break
      }
      place += 1
    }
    return end > first ? plain(end - 1) : first
  }

  /// Emoji joined by joiners, or one with a tag.
  private func sequence(_ first: Int) -> Int {
    guard var end = element(first) else { return first }
    let tagged = tag(end)
    if tagged > end { return tagged }
    while true {
      // The joiner may have been taken as what extends the last one.
      var place = end
      if classes[place - 1] != .joiner {
        guard at(place) == .joiner else { return end }
      }
      while at(place) == .joiner { place += 1 }
      guard let next = element(place, skipsJoiners: false) else { return end }
      end = next
    }
  }

  private func tag(_ start: Int) -> Int {
    var end = start
    while at(end) == .tag { end += 1 }
    return end > start && at(end) == .tagEnd ? end + 1 : start
  }

  /// The end of an emoji with its modifier or presentation; nil where there is none.
  private func element(_ start: Int, skipsJoiners: Bool = true) -> Int? {
    var first = start
    if skipsJoiners { while at(first) == .joiner { first += 1 } }
    guard let kind = at(first) else { return nil }
    switch kind {
    case .emojiModifier: return first == start ? plain(first) : nil
    case .emoji, .emojiBase, .letterEmoji:
      let end = plain(first)
      return at(end) == .emojiPresentation ? end + 1 : end
    default: return nil
    }
  }

  /// The end of an emoji with what extends it, but for the selectors of its presentation.
  private func plain(_ place: Int) -> Int {
    var end = place + 1
    while let next = at(end), next.extends, next != .textPresentation, next != .emojiPresentation {
      end += 1
    }
    return end
  }
}

extension WordClass {
  /// Extend, Format and ZWJ.
  fileprivate var extends: Bool {
    switch self {
    case .extend, .joiner, .southeastAsianExtend, .emojiModifier, .emojiPresentation,
      .textPresentation, .keycap, .tag, .tagEnd:
      true
    default: false
    }
  }

  fileprivate var isLetter: Bool {
    self == .letter || self == .hebrew || self == .letterEmoji || self == .letterHan
  }
}
