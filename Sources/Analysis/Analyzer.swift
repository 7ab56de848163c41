import Failures
import UnicodeTables

/// What turns a text into the terms that it is found by.
package struct Analyzer: Sendable {
  package let language: Language
  package let stemmer: Stemmer
  /// Words that are left out, in units of UTF-16.
  private let stopWords: Set<[UInt16]>
  private let elided: Set<[UInt16]>
  /// Stems from a list.
  private let overrides: [[UInt16]: [UInt16]]
  /// Nil where the stems are not Snowball's.
  private let snowball: SnowballLibrary?

  /// What makes terms of a language's words.
  ///
  /// - Parameters:
  ///   - language: The language.
  ///   - stemmer: What makes stems; nil for the usual one of the language.
  /// - Throws: 64 for stems of Lucene that are not here, 78 where Snowball's library is not installed.
  package init(_ language: Language, _ stemmer: Stemmer? = nil) throws(Failure) {
    self.language = language
    let stemmer = stemmer ?? language.usualStemmer
    self.stemmer = stemmer
    if stemmer == .lucene, language.lucene == nil {
      throw .usage(
        "--stemmer lucene is not for \(language.rawValue)",
        hint: "lir-index(1) lists the languages that it is for")
    }
    if stemmer != .none, language == .none {
      throw .usage("--stemmer \(stemmer.rawValue): without a language words are not stemmed")
    }
    stopWords =
      stemmer == .snowball
      ? StopWords.snowball(language.rawValue) : StopWords.lucene(language)
    elided = language.elided
    overrides = stemmer == .lucene ? language.luceneOverrides : [:]
    let usesSnowball = stemmer == .snowball || (stemmer == .lucene && language.lucene == .snowball)
    snowball = try usesSnowball ? SnowballLibrary(language.rawValue) : nil
  }

  /// Calls `body` with the UTF-8 of each term of a text, in order.
  ///
  /// - Parameters:
  ///   - text: UTF-8.
  ///   - scratch: Memory that is used again and again.
  ///   - body: Gets the terms; their bytes are gone with the call.
  package func forEachTerm(
    of text: some Sequence<UInt8>, scratch: inout Scratch, _ body: (ArraySlice<UInt8>) -> Void
  ) {
    Array(text).withUnsafeBytes { text in
      PlainWords.forEachPart(text) { part, _ in forEachTerm(ofPart: part, &scratch, body) }
    }
  }

  /// Calls a body with each term of a text, in order.
  ///
  /// - Parameters:
  ///   - text: UTF-8.
  ///   - scratch: Memory that is used again and again.
  ///   - plain: Gets words of ASCII in lower case, of which `term(ofPlain:scratch:)` makes terms.
  ///   - other: Gets the terms of other words.
  package func forEachWord(
    of text: UnsafeRawBufferPointer, scratch: inout Scratch,
    plain: (UnsafeRawBufferPointer) -> Void, other: (ArraySlice<UInt8>) -> Void
  ) {
    PlainWords.forEachPart(text) { part, isPlain in
      // A longer word is cut, as the other way does it.
      guard isPlain, part.count <= Scratch.longestWord,
        language != .turkish || !part.contains(UInt8(ascii: "I"))
      else {
        return forEachTerm(ofPart: part, &scratch, other)
      }
      withUnsafeTemporaryAllocation(byteCount: part.count, alignment: 8) { lower in
        for place in 0..<part.count {
          let byte = part[place]
          lower[place] = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
        }
        let lower = UnsafeRawBufferPointer(lower)
        PlainWords.forEach(lower) { plain(UnsafeRawBufferPointer(rebasing: lower[$0])) }
      }
    }
  }

  /// The term of a word of ASCII in lower case; nil for one that is left out.
  package func term(ofPlain word: UnsafeRawBufferPointer, scratch: inout Scratch) -> [UInt8]? {
    scratch.term.removeAll(keepingCapacity: true)
    scratch.term += word.lazy.map { UInt16($0) }
    return makeTerm(&scratch)
  }

  /// Calls `body` with the terms of a text without white space.
  private func forEachTerm(
    ofPart text: UnsafeRawBufferPointer, _ scratch: inout Scratch,
    _ body: (ArraySlice<UInt8>) -> Void
  ) {
    scratch.read(text)
    var place = 0
    while let word = scratch.nextWord(from: place) {
      place = word.upperBound
      scratch.makeTerm(word)
      if let term = makeTerm(&scratch) { body(term[...]) }
    }
  }

  /// The term of the word at hand; nil where there is none.
  private func makeTerm(_ scratch: inout Scratch) -> [UInt8]? {
    switch language {
    case .english where stemmer != .snowball: scratch.dropPossessive()
    case .turkish: scratch.dropSuffix()
    default: scratch.dropElided(elided)
    }
    scratch.lowercase(asTurkish: language == .turkish)
    if stopWords.contains(scratch.term) { return nil }
    if let stem = overrides[scratch.term] {
      scratch.term = stem
      return scratch.encoded()
    }
    if stemmer == .lucene, !LightStemmer.stem(&scratch.term, language), snowball == nil {
      scratch.stemmer.stem(&scratch.term)
    }
    guard !scratch.term.isEmpty else { return nil }
    guard let snowball else { return scratch.encoded() }
    let term = scratch.stemmed(snowball)
    return term.isEmpty ? nil : term
  }

  /// Memory for the analysis of one text after the other.
  package struct Scratch {
    private var scalars: [UInt32] = []
    private var scanner = WordScanner([])
    private var decoder = UTF8()
    fileprivate var stemmer = PorterStemmer()
    private var snowball: SnowballStemmer?
    /// The word at hand, in units of UTF-16.
    fileprivate var term: [UInt16] = []
    private var bytes: [UInt8] = []

    package init() {}

    fileprivate mutating func read(_ text: some Sequence<UInt8>) {
      scalars.removeAll(keepingCapacity: true)
      var iterator = text.makeIterator()
      decoder = UTF8()
      decoding: while true {
        switch decoder.decode(&iterator) {
        case .scalarValue(let scalar): scalars.append(scalar.value)
        case .emptyInput: break decoding
        case .error: scalars.append(0xFFFD)
        }
      }
      scanner = WordScanner(scalars.map(WordClass.of))
    }

    /// The next word, no longer than what Lucene keeps together.
    fileprivate func nextWord(from place: Int) -> Range<Int>? {
      guard let word = scanner.next(from: place) else { return nil }
      var units = 0
      for index in word {
        units += scalars[index] > 0xFFFF ? 2 : 1
        if units > Self.longestWord {
          return scanner.next(from: word.lowerBound, before: index) ?? word
        }
      }
      return word
    }

    /// Units of UTF-16: StandardTokenizer's default.
    fileprivate static let longestWord = 255

    fileprivate mutating func makeTerm(_ word: Range<Int>) {
      term.removeAll(keepingCapacity: true)
      for scalar in scalars[word] { Self.append(scalar, to: &term) }
    }

    private static func append(_ scalar: UInt32, to term: inout [UInt16]) {
      guard scalar > 0xFFFF else { term.append(UInt16(scalar)); return }
      term.append(UInt16(0xD7C0 + (scalar >> 10)))
      term.append(UInt16(0xDC00 + (scalar & 0x3FF)))
    }

    /// Drops an s behind one of three apostrophes at the end.
    fileprivate mutating func dropPossessive() {
      guard term.count >= 2, term[term.count - 1] == 0x73 || term[term.count - 1] == 0x53,
        [0x27, 0x2019, 0xFF07].contains(term[term.count - 2])
      else { return }
      term.removeLast(2)
    }

    /// Drops a word of some in front of an apostrophe, and that, as Lucene's ElisionFilter does.
    fileprivate mutating func dropElided(_ words: Set<[UInt16]>) {
      guard !words.isEmpty, let place = term.firstIndex(where: { $0 == 0x27 || $0 == 0x2019 })
      else { return }
      // Articles are letters of ASCII.
      let word = term[..<place].map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
      if words.contains(word) { term.removeFirst(place + 1) }
    }

    /// Drops an apostrophe and what follows, as Lucene's ApostropheFilter does.
    fileprivate mutating func dropSuffix() {
      if let place = term.firstIndex(where: { $0 == 0x27 || $0 == 0x2019 }) {
        term.removeSubrange(place...)
      }
    }

    /// The stem of the word at hand by a stemmer of Snowball.
    fileprivate mutating func stemmed(_ library: SnowballLibrary) -> [UInt8] {
      if snowball?.library.language != library.language { snowball = SnowballStemmer(library) }
      _ = encoded()
      snowball?.stem(&bytes)
      return bytes
    }

    fileprivate mutating func lowercase(asTurkish: Bool) {
      if asTurkish { lowercaseTurkish() }
      lowercase()
    }

    /// Makes small letters of both letters I, the dotted and that without a dot, also where the dot is a
    /// mark behind others, as Lucene's TurkishLowerCaseFilter does.
    private mutating func lowercaseTurkish() {
      var lower: [UInt16] = []
      var place = 0
      while place < term.count {
        let unit = term[place]
        place += 1
        guard unit == 0x49 else {
          lower.append(unit == 0x130 ? 0x69 : unit)
          continue
        }
        var mark = place
        while mark < term.count, (0x300...0x36F).contains(term[mark]), term[mark] != 0x307 {
          mark += 1
        }
        let hasDot = mark < term.count && term[mark] == 0x307
        lower.append(hasDot ? 0x69 : 0x131)
        if hasDot {
          lower += term[place..<mark]
          place = mark + 1
        }
      }
      term = lower
    }

    private mutating func lowercase() {
      if term.allSatisfy({ $0 < 0x80 }) {
        for place in term.indices where term[place] >= 0x41 && term[place] <= 0x5A {
          term[place] |= 0x20
        }
        return
      }
      var lower: [UInt16] = []
      for scalar in String(decoding: term, as: UTF16.self).unicodeScalars {
        // One scalar each, as Java's Character.toLowerCase: of two the first.
        Self.append(Lowercase.of(scalar.value), to: &lower)
      }
      term = lower
    }

    fileprivate mutating func encoded() -> [UInt8] {
      bytes.removeAll(keepingCapacity: true)
      if term.allSatisfy({ $0 < 0x80 }) {
        bytes += term.lazy.map { UInt8(truncatingIfNeeded: $0) }
      } else {
        bytes += String(decoding: term, as: UTF16.self).utf8
      }
      return bytes
    }
  }
}
