import UnicodeTables

/// How texts are split into words: steps, each of which splits what the one before left.
///
/// Source: `pre_tokenizers/` of Hugging Face `tokenizers` 0.22.2.
struct PreTokenizer: Sendable {
  enum Step: Sendable {
    case bert
    case whitespaceSplit
    case scalars(ScalarSplitter)
    case pattern(PatternSplitter)
    case metaspace(Metaspace)
    case byteLevel(ByteLevel)

    /// Whether its words are not parts of the text.
    fileprivate var writes: Bool {
      switch self {
      case .metaspace, .byteLevel: true
      case .bert, .whitespaceSplit, .scalars, .pattern: false
      }
    }
  }

  var steps: [Step]
  /// Whether the file has a sequence, even if of one step.
  var isSequence = false

  /// Not at all: a text is one word.
  static let none = PreTokenizer(steps: [])

  /// Whether it matters which word stands at the start of a text.
  var asksForStart: Bool {
    steps.contains { step in
      if case .metaspace(let metaspace) = step { metaspace.prependScheme == .first } else { false }
    }
  }

  /// Calls `word` with each word of valid UTF-8, after which some bytes can be read.
  ///
  /// - Parameters:
  ///   - bytes: a piece of a text, normalized.
  ///   - count: how many; not 0.
  ///   - origin: words that start before it stand at the start of the original text.
  ///   - scratch: where words lie that are not parts of the text.
  ///   - word: gets each word; it lies there until the next call.
  @inline(__always)
  func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, origin: Int, _ scratch: TokenizerScratch,
    _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    if steps.isEmpty { return word(bytes, count) }
    if steps.count == 1 { return steps[0].split(bytes, count, origin: origin, scratch, word) }
    if steps.count == 2, case .whitespaceSplit = steps[0], case .metaspace(let metaspace) = steps[1]
    {
      return WhitespaceSplit.split(bytes, count) { part, length in
        metaspace.split(part, length, isFirst: part - bytes < origin, scratch.words, word)
      }
    }
    let (pieces, base) = splitByAllButLast(bytes, count, origin, scratch)
    for piece in pieces.elements {
      steps[steps.count &- 1].split(
        base + piece.start, piece.count, origin: piece.origin, scratch, word)
    }
  }

  /// A word between two steps.
  struct Piece: BitwiseCopyable {
    var start: Int
    var count: Int
    var origin: Int
  }

  @inline(never)
  private func splitByAllButLast(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ origin: Int, _ scratch: TokenizerScratch
  ) -> (GrowableBuffer<Piece>, UnsafePointer<UInt8>) {
    var (pieces, next) = scratch.pieces
    var (text, otherText) = scratch.texts
    var base = bytes
    pieces.count = 0
    pieces.reserve(1)
    pieces.push(Piece(start: 0, count: count, origin: origin))
    for step in steps.dropLast() {
      next.count = 0
      text.count = 0
      for piece in pieces.elements {
        let start = base + piece.start
        var isOnlyOne = true
        step.split(start, piece.count, origin: piece.origin, scratch) { word, length in
          next.reserve(1)
          if !step.writes {
            return next.push(
              Piece(
                start: word - base, count: length, origin: piece.origin &- (word - start)))
          }
          // The first word begins where the piece does.
          next.push(
            Piece(start: text.count, count: length, origin: isOnlyOne ? piece.origin : 0))
          isOnlyOne = false
          text.reserve(length &+ TokenTable.slack)
          (text.pointer + text.count).update(from: word, count: length)
          text.count &+= length
        }
      }
      if step.writes {
        scratch.growth.check(text)
        if scratch.growth.isExceeded { next.count = 0 }
        base = UnsafePointer(text.pointer)
        swap(&text, &otherText)
      }
      swap(&pieces, &next)
    }
    return (pieces, base)
  }
}

extension PreTokenizer.Step {
  @inline(__always)
  fileprivate func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, origin: Int, _ scratch: TokenizerScratch,
    _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    switch self {
    case .bert: BertPreTokenizer.split(bytes, count, word)
    case .whitespaceSplit: WhitespaceSplit.split(bytes, count, word)
    case .scalars(let splitter): splitter.split(bytes, count, word)
    case .pattern(let splitter): splitter.split(bytes, count, scratch.matcher, word)
    case .metaspace(let metaspace):
      metaspace.split(bytes, count, isFirst: origin > 0, scratch.words, word)
    case .byteLevel(let level):
      level.split(bytes, count, (scratch.words, scratch.characters), word)
    }
  }
}

/// `Split`: at what matches a regular expression, or at what lies between the matches.
package struct PatternSplitter: Sendable {
  private enum Pattern: Sendable {
    case gpt2
    case cl100k(CL100KPattern)
    case regex(Regex)
  }

  private let pattern: Pattern
  private let behavior: SplitBehavior
  private let isInverted: Bool

  /// - Parameters:
  ///   - source: the regular expression.
  ///   - isLiteral: whether it is a string to be found as it is.
  ///   - behavior: what becomes of the matches.
  ///   - isInverted: whether what lies between is taken for the matches.
  /// - Throws: where the expression is none, or has what this version does not.
  package init(
    _ source: String, isLiteral: Bool, _ behavior: SplitBehavior, isInverted: Bool
  ) throws(RegexError) {
    self.behavior = behavior
    self.isInverted = isInverted
    // These match everywhere: each match is a word.
    let keepsMatches = behavior == .isolated || behavior == .removed && isInverted
    if !isLiteral, keepsMatches, source == GPT2Pattern.source {
      pattern = .gpt2
    } else if !isLiteral, keepsMatches, let known = CL100KPattern(source: source) {
      pattern = .cl100k(known)
    } else {
      pattern = .regex(isLiteral ? try Regex(literal: source) : try Regex(source))
    }
  }

  @inline(__always)
  package func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ matcher: RegexMatcher,
    _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    switch pattern {
    case .gpt2: GPT2Pattern().split(bytes, count, word)
    case .cl100k(let pattern): pattern.split(bytes, count, word)
    case .regex(let regex):
      var parts = SplitAssembler(behavior)
      func emit(_ start: Int, _ end: Int) { word(bytes + start, end &- start) }
      matcher.parts(regex, bytes, count) { start, end, isMatch in
        parts.add(start, end, isMatch: isMatch != isInverted, emit)
      }
      parts.finish(emit)
    }
  }
}
