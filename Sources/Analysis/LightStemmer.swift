/// Light stemmers of Jacques Savoy, which take off endings of number, gender and case alone, as Lucene's
/// analysers of these languages have them.
///
/// Source: J. Savoy, Light Stemming Approaches for the French, Portuguese, German and Hungarian Languages
/// (SAC 2006), and the tables at members.unine.ch/jacques.savoy; where Lucene 9.5 differs, Lucene.
/// Compared with it on the vocabularies of Snowball (scripts/reference/anserini).
enum LightStemmer {
  /// Makes the stem of a word in units of UTF-16.
  ///
  /// - Parameters:
  ///   - word: The word, in lower case.
  ///   - language: Its language.
  /// - Returns: Whether the language has such a stemmer.
  static func stem(_ word: inout [UInt16], _ language: Analyzer.Language) -> Bool {
    switch language {
    case .german:
      normalizeGerman(&word)
      german(&word)
    case .spanish: spanish(&word)
    case .italian: italian(&word)
    case .portuguese: portuguese(&word)
    case .french: french(&word)
    default: return false
    }
    return true
  }

  // MARK: German

  /// Makes one spelling of umlauts, of their vowels with an e, and of sharp s.
  ///
  /// Source: GermanNormalizationFilter of Lucene 9.5, after Snowball's german2.
  private static func normalizeGerman(_ word: inout [UInt16]) {
    // Whether an e behind the last letter would be an umlaut, and whether an u would begin one.
    var (opens, isPlain) = (false, true)
    var found: [UInt16] = []
    for unit in word {
      switch scalar(unit) {
      case "a", "o": (opens, isPlain) = (true, false)
      case "u": (opens, isPlain) = (isPlain, false)
      case "e":
        defer { (opens, isPlain) = (false, false) }
        if opens { continue }
      case "i", "q", "y": (opens, isPlain) = (false, false)
      case "ä", "ö", "ü":
        (opens, isPlain) = (false, false)
        found.append(plain[unit] ?? unit)
        continue
      case "ß":
        (opens, isPlain) = (false, true)
        found += [0x73, 0x73]
        continue
      default: (opens, isPlain) = (false, true)
      }
      found.append(unit)
    }
    word = found
  }

  private static func german(_ word: inout [UInt16]) {
    fold(&word, "àáâäòóôöìíîïùúûü")
    let consonants = "bdfghklmnt"
    if word.count > 5, word.ends("ern") {
      word.removeLast(3)
    } else if word.count > 4, word.ends(["em", "en", "er", "es"]) {
      word.removeLast(2)
    } else if word.count > 3, word.ends("e") {
      word.removeLast()
    } else if word.count > 3, word.ends("s"), word.has(consonants, 2) {
      word.removeLast()
    }
    if word.count > 5, word.ends("est") {
      word.removeLast(3)
    } else if word.count > 4, word.ends(["er", "en"]) {
      word.removeLast(2)
    } else if word.count > 4, word.ends("st"), word.has(consonants, 3) {
      word.removeLast(2)
    }
  }

  // MARK: Spanish, Italian

  private static func spanish(_ word: inout [UInt16]) {
    if word.count < 5 { return }
    fold(&word, "àáâäòóôöèéêëùúûüìíîï")
    if word.has("oae", 1) {
      word.removeLast()
    } else if word.ends("eses") {
      word.removeLast(2)
    } else if word.ends("ces") {
      word.replaceLast(3, "z")
    } else if word.ends("s"), word.has("oae", 2) {
      word.removeLast(2)
    }
  }

  private static func italian(_ word: inout [UInt16]) {
    if word.count < 6 { return }
    fold(&word, "àáâäòóôöèéêëùúûüìíîï")
    guard word.has("aeio", 1) else { return }
    let isDouble = word.ends(["ie", "he", "ii", "hi", "ia", "io"])
    word.removeLast(isDouble ? 2 : 1)
  }

  // MARK: Portuguese

  private static func portuguese(_ word: inout [UInt16]) {
    if word.count < 4 { return }
    dropPlural(&word)
    if word.count > 3, word.ends("a") { makeMasculine(&word) }
    if word.count > 4, word.has("eao", 1) { word.removeLast() }
    fold(&word, "àáâäãòóôöõèéêëùúûüìíîïç")
  }

  private static func dropPlural(_ word: inout [UInt16]) {
    let count = word.count
    if count > 4, word.ends("es"), word.has("rslz", 3) { return word.removeLast(2) }
    if word.ends("ns") { return word.replaceLast(2, "m") }
    if count > 4 {
      if word.ends(["eis", "éis"]) { return word.replaceLast(3, "el") }
      if word.ends("ais") { return word.replaceLast(3, "al") }
      if word.ends("óis") { return word.replaceLast(3, "ol") }
      if word.ends("is") { return word.replaceLast(2, "il") }
    }
    if word.ends(["ões", "ães"]) { return word.replaceLast(3, "ão") }
    if count > 6, word.ends("mente") { return word.removeLast(5) }
    if word.ends("s") { word.removeLast() }
  }

  private static func makeMasculine(_ word: inout [UInt16]) {
    if word.count > 7, word.ends(["inha", "iaca", "eira"]) { return word.replaceLast(1, "o") }
    if word.count <= 6 { return }
    if word.ends(["osa", "ica", "ida", "ada", "iva", "ama"]) { return word.replaceLast(1, "o") }
    if word.ends("ona") { return word.replaceLast(3, "ão") }
    if word.ends("ora") { return word.removeLast(1) }
    if word.ends("esa") { return word.replaceLast(3, "ês") }
    if word.ends("na") { word.replaceLast(1, "o") }
  }

  // MARK: French

  /// An ending of French, how long a word must be to have it, and what stands in its place.
  private static let frenchEndings: [(ending: String, longerThan: Int, other: String)] = [
    ("ficatrice", 11, "ficer"), ("ficateur", 10, "ficer"), ("catrice", 9, "quer"),
    ("cateur", 8, "quer"), ("atrice", 8, "er"), ("ateur", 7, "er"),
  ]

  private static func french(_ word: inout [UInt16]) {
    dropFrenchSuffix(&word)
    if word.count > 4 {
      fold(&word, "àáâôèéêùûîç")
      dropDoubles(&word)
    }
    if word.count > 4, word.ends("ie") { word.removeLast(2) }
    if word.count > 4 {
      if word.ends("r") { word.removeLast() }
      if word.ends("e") { word.removeLast() }
      if word.ends("e") { word.removeLast() }
      if word[word.count - 1] == word[word.count - 2], isLetter(word[word.count - 1]) {
        word.removeLast()
      }
    }
  }

  private static func dropFrenchSuffix(_ word: inout [UInt16]) {
    if word.count > 5, word.ends("aux"), !word.ends("eaux") { word.replaceLast(2, "lx") }
    if word.count > 3, word.ends("x") { word.removeLast() }
    if word.count > 3, word.ends("s") { word.removeLast() }
    if word.count > 9, word.ends("issement") { return word.replaceLast(7, "r") }
    if word.count > 8, word.ends("issant") { return word.replaceLast(5, "r") }
    if word.count > 6, word.ends("ement") {
      word.removeLast(4)
      if word.count > 3, word.ends("ive") { word.replaceLast(2, "f") }
      return
    }
    for (ending, least, other) in frenchEndings where word.count > least && word.ends(ending) {
      return word.replaceLast(ending.count, other)
    }
    if word.count > 6, word.ends("trice") { word.replaceLast(4, "eur") }
    if word.count > 5, word.ends("ième") { return word.removeLast(4) }
    if word.count > 7, word.ends("teuse") { return word.replaceLast(3, "r") }
    if word.count > 6, word.ends("teur") { return word.replaceLast(2, "r") }
    if word.count > 5, word.ends("euse") { return word.removeLast(2) }
    if word.count > 8, word.ends("ère") { return word.replaceLast(3, "er") }
    if word.count > 7, word.ends("ive") { return word.replaceLast(2, "f") }
    if word.count > 4, word.ends(["folle", "molle"]) { return word.replaceLast(3, "u") }
    if word.count > 9, word.ends("nnelle") { return word.removeLast(5) }
    if word.count > 9, word.ends("nnel") { return word.removeLast(3) }
    if word.count > 4, word.ends("ète") { word.replaceLast(3, "et") }
    if word.count > 8, word.ends("ique") { word.removeLast(4) }
    if word.count > 8, word.ends("esse") { return word.removeLast(3) }
    if word.count > 7, word.ends("inage") { return word.removeLast(3) }
    if word.count > 9, word.ends("isation") {
      word.removeLast(7)
      if word.count > 5, word.ends("ual") { word.replaceLast(2, "el") }
      return
    }
    if word.count > 9, word.ends("isateur") { return word.removeLast(7) }
    if word.count > 8, word.ends(["ation", "ition"]) { word.removeLast(5) }
  }

  private static func dropDoubles(_ word: inout [UInt16]) {
    var found: [UInt16] = []
    for unit in word where unit != found.last || !isLetter(unit) { found.append(unit) }
    word = found
  }

  private static func isLetter(_ unit: UInt16) -> Bool {
    Unicode.Scalar(UInt32(unit))?.properties.isAlphabetic ?? false
  }

  // MARK: Letters

  private static func scalar(_ unit: UInt16) -> Unicode.Scalar { Unicode.Scalar(unit) ?? " " }

  /// Letters without their marks.
  private static let plain: [UInt16: UInt16] = {
    var plain: [UInt16: UInt16] = [:]
    for (letter, marked) in [
      ("a", "àáâäã"), ("e", "èéêë"), ("i", "ìíîï"), ("o", "òóôöõ"), ("u", "ùúûü"), ("c", "ç"),
    ] {
      for unit in marked.utf16 { plain[unit] = letter.utf16.first }
    }
    return plain
  }()

  private static func fold(_ word: inout [UInt16], _ letters: String) {
    for place in word.indices where word[place] > 0x7F && letters.utf16.contains(word[place]) {
      word[place] = plain[word[place]] ?? word[place]
    }
  }
}

extension [UInt16] {
  fileprivate func ends(_ ending: String) -> Bool {
    let ending = ending.utf16
    return count >= ending.count && suffix(ending.count).elementsEqual(ending)
  }

  fileprivate func ends(_ endings: [String]) -> Bool { endings.contains { ends($0) } }

  /// Whether one of some letters is at a place from the end, 1 for the last.
  fileprivate func has(_ letters: String, _ place: Int) -> Bool {
    count >= place && letters.utf16.contains(self[count - place])
  }

  fileprivate mutating func replaceLast(_ letters: Int, _ other: String) {
    removeLast(letters)
    append(contentsOf: other.utf16)
  }
}
