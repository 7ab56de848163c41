import UnicodeTables

/// Words of texts in ASCII, by the rules of `WordScanner`: most texts are ASCII, most of their words
/// come again and again, and no word goes over white space.
enum PlainWords {
  /// What a byte is for words.
  private enum Kind: UInt8 {
    case other, letter, digit, connector
    /// Between letters, between digits, or between both.
    case midLetter, midDigit, midBoth
  }

  private static let kinds: [UInt8] = (0..<128).map { byte in
    let kind: Kind =
      switch WordClass.of(UInt32(byte)) {
      case .letter, .letterEmoji: .letter
      case .numeric, .digit: .digit
      case .extendNumLet: .connector
      case .midLetter: .midLetter
      case .midNum: .midDigit
      case .midNumLet, .singleQuote: .midBoth
      default: .other
      }
    return kind.rawValue
  }

  /// Calls `body` with the words of some ASCII.
  @inline(__always)
  static func forEach(_ text: UnsafeRawBufferPointer, _ body: (Range<Int>) -> Void) {
    kinds.withUnsafeBufferPointer { kinds in
      var first = 0
      while first < text.count {
        let end = word(text, from: first, kinds)
        if end > first {
          body(first..<end)
          first = end
        } else {
          first += 1
        }
      }
    }
  }

  /// The end of the longest word from a place on; the place where there is none.
  @inline(__always)
  private static func word(
    _ text: UnsafeRawBufferPointer, from first: Int, _ kinds: UnsafeBufferPointer<UInt8>
  ) -> Int {
    let (letter, digit) = (Kind.letter.rawValue, Kind.digit.rawValue)
    // What stands in front: a letter, a digit, or a connector behind one of them; 0 for nothing.
    var state: UInt8 = 0
    var place = first
    var end = first
    while place < text.count {
      let kind = kinds[Int(text[place])]
      if kind == letter || kind == digit {
        state = kind
        place += 1
      } else if kind == Kind.connector.rawValue {
        if state != 0 { state = kind }
        place += 1
      } else {
        let joins =
          kind == Kind.midBoth.rawValue && (state == letter || state == digit)
          || kind == Kind.midLetter.rawValue && state == letter
          || kind == Kind.midDigit.rawValue && state == digit
        guard joins, place + 1 < text.count, kinds[Int(text[place + 1])] == state else { break }
        place += 2
      }
      // Connectors alone are no word.
      if state != 0 { end = place }
    }
    return end
  }

  /// Calls `body` with the parts of a text between white space, and whether each is ASCII alone.
  @inline(__always)
  static func forEachPart(
    _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer, _ isPlain: Bool) -> Void
  ) {
    var start = 0
    var bits: UInt8 = 0
    for place in 0...text.count {
      let byte = place < text.count ? text[place] : UInt8(ascii: " ")
      if byte > UInt8(ascii: " ") {
        bits |= byte
        continue
      }
      if place > start {
        body(UnsafeRawBufferPointer(rebasing: text[start..<place]), bits < 0x80)
      }
      start = place + 1
      bits = 0
    }
  }
}
