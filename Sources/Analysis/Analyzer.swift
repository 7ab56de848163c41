import UnicodeTables

/// What turns a text into the terms that it is found by.
package struct Analyzer: Sendable {
  /// How words are made terms.
  package enum Language: String, Sendable, CaseIterable {
    /// Possessives, lower case, stop words and Porter's stems, as Lucene's EnglishAnalyzer and Anserini
    /// have them.
    case english
    /// Lower case alone.
    case none
  }

  package let language: Language

  package init(_ language: Language) { self.language = language }

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
      guard isPlain, part.count <= Scratch.longestWord else {
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
    guard makeTerm(&scratch) else { return nil }
    return scratch.encoded()
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
      if makeTerm(&scratch) { body(scratch.encoded()[...]) }
    }
  }

  /// Makes a term of the word at hand.
  ///
  /// - Returns: Whether there is one.
  private func makeTerm(_ scratch: inout Scratch) -> Bool {
    if language == .english {
      scratch.dropPossessive()
      scratch.lowercase()
      if StopWords.english.contains(scratch.term) { return false }
      scratch.stemmer.stem(&scratch.term)
    } else {
      scratch.lowercase()
    }
    return !scratch.term.isEmpty
  }

  /// Memory for the analysis of one text after the other.
  package struct Scratch {
    private var scalars: [UInt32] = []
    private var scanner = WordScanner([])
    private var decoder = UTF8()
    fileprivate var stemmer = PorterStemmer()
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

    fileprivate mutating func lowercase() {
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
