/// Porter's stemmer of English, with the two later departures of its author, as Lucene has it.
///
/// In step 2 `bli` becomes `ble` and `logi` becomes `log`, and words of one or two letters are left
/// alone. Source: M. F. Porter, An algorithm for suffix stripping, Program 14(3), 1980; PorterStemFilter
/// of Lucene 9.5.
///
/// Letters are units of UTF-16, in lower case; what is not one of a, e, i, o, u, y is a consonant.
package struct PorterStemmer {
  private var word: [UInt16] = []

  package init() {}

  /// Replaces a word by its stem.
  package mutating func stem(_ text: inout [UInt16]) {
    if text.count <= 2 { return }
    swap(&word, &text)
    plural()
    pastAndProgressive()
    finalY()
    suffix(Self.second, longerThan: 0)
    suffix(Self.third, longerThan: 0)
    suffix(Self.fourth, longerThan: 1)
    finalE()
    swap(&word, &text)
  }

  // MARK: What a stem is made of

  private static func unit(_ letter: Unicode.Scalar) -> UInt16 { UInt16(letter.value) }

  private func isConsonant(_ place: Int) -> Bool {
    switch word[place] {
    case Self.unit("a"), Self.unit("e"), Self.unit("i"), Self.unit("o"), Self.unit("u"): false
    case Self.unit("y"): place == 0 ? true : !isConsonant(place - 1)
    default: true
    }
  }

  /// How many times vowels are followed by consonants in the first `count` letters.
  private func measure(_ count: Int) -> Int {
    var pairs = 0
    var wasVowel = false
    for place in 0..<count {
      let consonant = isConsonant(place)
      if consonant, wasVowel { pairs += 1 }
      wasVowel = !consonant
    }
    return pairs
  }

  private func hasVowel(_ count: Int) -> Bool { (0..<count).contains { !isConsonant($0) } }

  /// Whether the first `count` letters end with two equal consonants.
  private func endsDouble(_ count: Int) -> Bool {
    count >= 2 && word[count - 1] == word[count - 2] && isConsonant(count - 1)
  }

  /// Whether they end with consonant, vowel, consonant, the last one not w, x or y.
  private func endsShort(_ count: Int) -> Bool {
    guard count >= 3, isConsonant(count - 1), !isConsonant(count - 2), isConsonant(count - 3)
    else { return false }
    let last = word[count - 1]
    return last != Self.unit("w") && last != Self.unit("x") && last != Self.unit("y")
  }

  private func ends(_ suffix: StaticString) -> Bool {
    let start = stemCount(suffix)
    if start < 0 { return false }
    for place in 0..<suffix.utf8CodeUnitCount
    where word[start + place] != UInt16(suffix.utf8Start[place]) {
      return false
    }
    return true
  }

  /// Letters in front of a suffix.
  private func stemCount(_ suffix: StaticString) -> Int { word.count - suffix.utf8CodeUnitCount }

  private mutating func replace(_ suffix: StaticString, by other: StaticString) {
    word.removeLast(suffix.utf8CodeUnitCount)
    for place in 0..<other.utf8CodeUnitCount { word.append(UInt16(other.utf8Start[place])) }
  }

  // MARK: Steps

  /// Step 1a.
  private mutating func plural() {
    guard word.last == Self.unit("s") else { return }
    if ends("sses") {
      replace("es", by: "")
    } else if ends("ies") {
      replace("ies", by: "i")
    } else if word[word.count - 2] != Self.unit("s") {
      word.removeLast()
    }
  }

  /// Step 1b.
  private mutating func pastAndProgressive() {
    if ends("eed") {
      if measure(stemCount("eed")) > 0 { word.removeLast() }
      return
    }
    guard let suffix: StaticString = ends("ed") ? "ed" : ends("ing") ? "ing" : nil,
      hasVowel(stemCount(suffix))
    else { return }
    replace(suffix, by: "")
    if ends("at") || ends("bl") || ends("iz") {
      word.append(Self.unit("e"))
    } else if endsDouble(word.count) {
      let last = word[word.count - 1]
      if last != Self.unit("l"), last != Self.unit("s"), last != Self.unit("z") {
        word.removeLast()
      }
    } else if measure(word.count) == 1, endsShort(word.count) {
      word.append(Self.unit("e"))
    }
  }

  /// Step 1c.
  private mutating func finalY() {
    if ends("y"), hasVowel(word.count - 1) { word[word.count - 1] = Self.unit("i") }
  }

  /// Steps 2, 3 and 4: the first suffix that fits decides, whether its stem is long enough or not.
  private mutating func suffix(_ rules: [Rule], longerThan least: Int) {
    guard let rule = rules.first(where: { ends($0.suffix) }) else { return }
    let count = stemCount(rule.suffix)
    if rule.needsST {
      guard count > 0, word[count - 1] == Self.unit("s") || word[count - 1] == Self.unit("t")
      else { return }
    }
    if measure(count) > least { replace(rule.suffix, by: rule.stem) }
  }

  private struct Rule: Sendable {
    let suffix: StaticString
    let stem: StaticString
    /// Whether an s or a t must be in front.
    let needsST: Bool

    init(_ suffix: StaticString, _ stem: StaticString, needsST: Bool = false) {
      (self.suffix, self.stem, self.needsST) = (suffix, stem, needsST)
    }
  }

  private static let second: [Rule] = [
    Rule("ational", "ate"), Rule("tional", "tion"), Rule("enci", "ence"), Rule("anci", "ance"),
    Rule("izer", "ize"),
    Rule("bli", "ble"), Rule("alli", "al"), Rule("entli", "ent"), Rule("eli", "e"),
    Rule("ousli", "ous"),
    Rule("ization", "ize"), Rule("ation", "ate"), Rule("ator", "ate"), Rule("alism", "al"),
    Rule("iveness", "ive"),
    Rule("fulness", "ful"), Rule("ousness", "ous"), Rule("aliti", "al"), Rule("iviti", "ive"),
    Rule("biliti", "ble"),
    Rule("logi", "log"),
  ]

  private static let third: [Rule] = [
    Rule("icate", "ic"), Rule("ative", ""), Rule("alize", "al"), Rule("iciti", "ic"),
    Rule("ical", "ic"), Rule("ful", ""),
    Rule("ness", ""),
  ]

  private static let fourth: [Rule] = [
    Rule("al", ""), Rule("ance", ""), Rule("ence", ""), Rule("er", ""), Rule("ic", ""),
    Rule("able", ""), Rule("ible", ""),
    Rule("ant", ""), Rule("ement", ""), Rule("ment", ""), Rule("ent", ""),
    Rule("ion", "", needsST: true), Rule("ou", ""), Rule("ism", ""),
    Rule("ate", ""), Rule("iti", ""), Rule("ous", ""), Rule("ive", ""), Rule("ize", ""),
  ]

  /// Step 5.
  private mutating func finalE() {
    if ends("e") {
      let count = word.count - 1
      let pairs = measure(count)
      if pairs > 1 || (pairs == 1 && !endsShort(count)) { word.removeLast() }
    }
    if ends("l"), endsDouble(word.count), measure(word.count) > 1 { word.removeLast() }
  }
}
