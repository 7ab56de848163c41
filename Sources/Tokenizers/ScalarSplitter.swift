import UnicodeTables

/// Splits texts at single scalars, or between kinds of them.
///
/// Sources: `pre_tokenizers/digits.rs`, `punctuation.rs`, `whitespace.rs`, `delimiter.rs` and
/// `fixed_length.rs` of Hugging Face `tokenizers` 0.22.2.
enum ScalarSplitter: Sendable, Equatable {
  /// `Digits`: numeric scalars, one by one or in runs.
  case digits(SplitBehavior)
  case punctuation(SplitBehavior)
  /// `CharDelimiterSplit`.
  case delimiter(UInt32)
  /// `Whitespace`: runs of word characters, and runs of what are neither these nor white space.
  case wordsAndSymbols
  /// `FixedLength`: so many scalars a word.
  case fixedLength(Int)

  /// Calls `word` with each word of valid UTF-8.
  @inline(__always)
  func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    func emit(_ start: Int, _ end: Int) { word(bytes + start, end &- start) }
    switch self {
    case .digits(let behavior):
      split(bytes, count, behavior, { GeneralCategory.isNumeric($0) }, emit)
    case .punctuation(let behavior):
      split(
        bytes, count, behavior, { ScalarProperties.of($0).contains(.punctuation) }, emit)
    case .delimiter(let delimiter): split(bytes, count, .removed, { $0 == delimiter }, emit)
    case .wordsAndSymbols: splitWordsAndSymbols(bytes, count, emit)
    case .fixedLength(let length): splitEvenly(bytes, count, length, emit)
    }
  }

  @inline(__always)
  private func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ behavior: SplitBehavior,
    _ isMatch: (UInt32) -> Bool, _ word: (Int, Int) -> Void
  ) {
    var parts = SplitAssembler(behavior)
    var done = 0
    var i = 0
    while i < count {
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      if isMatch(scalar) {
        if done < i { parts.add(done, i, isMatch: false, word) }
        parts.add(i, i &+ length, isMatch: true, word)
        done = i &+ length
      }
      i &+= length
    }
    if done < count { parts.add(done, count, isMatch: false, word) }
    parts.finish(word)
  }

  private enum Kind { case word, space, symbol }

  @inline(__always)
  private func kind(_ scalar: UInt32) -> Kind {
    let properties = ScalarProperties.of(scalar)
    if properties.contains(.word) { return .word }
    return properties.contains(.whiteSpace) ? .space : .symbol
  }

  @inline(__always)
  private func splitWordsAndSymbols(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ word: (Int, Int) -> Void
  ) {
    var start = 0
    var current = Kind.space
    var i = 0
    while i < count {
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      let kind = kind(scalar)
      if kind != current {
        if current != .space { word(start, i) }
        start = i
        current = kind
      }
      i &+= length
    }
    if current != .space { word(start, count) }
  }

  @inline(__always)
  private func splitEvenly(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ length: Int, _ word: (Int, Int) -> Void
  ) {
    var start = 0
    var scalars = 0
    for i in 0..<count where bytes[i] & 0xC0 != 0x80 {
      if scalars == length {
        word(start, i)
        start = i
        scalars = 0
      }
      scalars &+= 1
    }
    if start < count { word(start, count) }
  }
}
