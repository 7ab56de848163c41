import Failures

extension Tokenizer {
  /// Appends the tokens of one text to `buffer`.
  ///
  /// - Parameters:
  ///   - text: valid UTF-8.
  ///   - addSpecialTokens: whether the post-processor's tokens are put around it.
  ///   - maxLength: the largest number of tokens, special ones included; nil for no limit.
  ///   - buffer: what the tokens are appended to.
  ///   - scratch: the calling thread's.
  /// - Returns: how many tokens were appended and how many truncation removed.
  /// - Throws: 64 where `maxLength` leaves no room for the special tokens.
  package func encode(
    _ text: UnsafeRawBufferPointer, addSpecialTokens: Bool = true, maxLength: Int? = nil,
    into buffer: inout TokenBuffer, scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    try tokenize(text, into: scratch.first, scratch)
    let total = scratch.first.count
    let specials = addSpecialTokens ? specialTokenCount(pair: false) : 0
    let kept = min(total, try room(maxLength, specials))
    assemble(
      postProcessor.single, kept: KeptLengths(first: kept, second: 0), addSpecialTokens,
      into: &buffer, scratch)
    return EncodedCounts(tokens: kept + specials, removed: total - kept)
  }

  /// Appends the tokens of a pair of texts to `buffer`.
  ///
  /// A pair stays one where the second text is empty, as when transformers encodes a batch; called
  /// for a single pair, transformers drops an empty second text.
  ///
  /// - Parameters:
  ///   - first: valid UTF-8, usually the query.
  ///   - second: valid UTF-8, usually the document.
  ///   - addSpecialTokens: whether the post-processor's tokens are put around them.
  ///   - template: what takes the post-processor's place.
  ///   - maxLength: the largest number of tokens, special ones included; nil for no limit.
  ///   - truncation: which of the texts is cut.
  ///   - buffer: what the tokens are appended to.
  ///   - scratch: the calling thread's.
  /// - Returns: how many tokens were appended and how many truncation removed.
  /// - Throws: 64 where `maxLength` leaves no room for the special tokens; 65 where the text to be
  ///   cut is too short for that.
  package func encode(
    _ first: UnsafeRawBufferPointer, pair second: UnsafeRawBufferPointer,
    addSpecialTokens: Bool = true, template: PairTemplate? = nil, maxLength: Int? = nil,
    truncation: TruncationStrategy = .longestFirst,
    into buffer: inout TokenBuffer, scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    try tokenize(first, into: scratch.first, scratch)
    try tokenize(second, into: scratch.second, scratch)
    let specials = addSpecialTokens ? template?.tokenCount ?? specialTokenCount(pair: true) : 0
    let limit = try room(maxLength, specials)
    let kept = try KeptLengths(
      first: scratch.first.count, second: scratch.second.count, limit: limit, strategy: truncation)
    assemble(
      template?.pieces ?? postProcessor.pair, kept: kept, addSpecialTokens, into: &buffer, scratch)
    return EncodedCounts(
      tokens: kept.first + kept.second + specials,
      removed: scratch.first.count + scratch.second.count - kept.first - kept.second)
  }

  /// The ids of one text: for tests and small things.
  package func encode(
    _ text: String, addSpecialTokens: Bool = true, maxLength: Int? = nil
  ) throws(Failure) -> [Int32] {
    var buffer = TokenBuffer()
    var scratch = TokenizerScratch()
    _ = try Array(text.utf8).withBytes { bytes throws(Failure) in
      try encode(
        bytes, addSpecialTokens: addSpecialTokens, maxLength: maxLength, into: &buffer,
        scratch: &scratch)
    }
    return buffer.ids
  }

  /// The special tokens in front of a text and behind it.
  package func surroundings(
    addSpecialTokens: Bool = true, scratch: inout TokenizerScratch
  ) -> (prefix: [Int32], suffix: [Int32]) {
    guard addSpecialTokens else { return ([], []) }
    var buffer = TokenBuffer()
    assemble(
      postProcessor.single, kept: KeptLengths(first: 0, second: 0), true, into: &buffer, scratch)
    var prefix = 0
    for piece in postProcessor.single {
      guard case .special(let ids, _) = piece else { break }
      prefix += ids.count
    }
    return (Array(buffer.ids.prefix(prefix)), Array(buffer.ids.dropFirst(prefix)))
  }

  // MARK: Steps

  /// Number of tokens of the texts themselves that `maxLength` allows.
  private func room(_ maxLength: Int?, _ specials: Int) throws(Failure) -> Int {
    guard let maxLength else { return .max }
    guard maxLength >= specials else {
      throw .usage("a maximum length of \(maxLength) leaves no room for \(specials) special tokens")
    }
    return maxLength - specials
  }

  private func assemble(
    _ pieces: [PostProcessor.Piece], kept: KeptLengths, _ addSpecialTokens: Bool,
    into buffer: inout TokenBuffer, _ scratch: TokenizerScratch
  ) {
    for piece in pieces {
      switch piece {
      case .special(let ids, let typeID):
        guard addSpecialTokens else { continue }
        ids.withUnsafeBufferPointer { buffer.append($0, typeID: typeID, special: 1) }
      case .first(let typeID):
        buffer.append(part(scratch.first, kept.first), typeID: typeID, special: 0)
      case .second(let typeID):
        buffer.append(part(scratch.second, kept.second), typeID: typeID, special: 0)
      }
    }
  }

  private func part(
    _ ids: GrowableBuffer<Int32>, _ kept: Int
  ) -> UnsafeBufferPointer<Int32> {
    let start = truncationSide == .left ? ids.count - kept : 0
    return UnsafeBufferPointer(rebasing: ids.elements[start..<start + kept])
  }

  /// Fills `ids` with the tokens of `text`, without special tokens around them.
  ///
  /// - Throws: 65 where the text has what is no token, and no token stands for the unknown; or where
  ///   a regular expression takes too long for it.
  func tokenize(
    _ text: UnsafeRawBufferPointer, into ids: GrowableBuffer<Int32>, _ scratch: TokenizerScratch
  ) throws(Failure) {
    ids.count = 0
    guard let base = text.baseAddress else { return }
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    scratch.cache.hasFailed = false
    scratch.matcher.reset()
    scratch.growth.reset(text.count)
    switch model {
    case .wordPiece(let model):
      model.withReader(scratch.cache) { tokenize(bytes, text.count, $0, ids, scratch) }
    case .unigram(let model):
      model.withReader(scratch.cache) { tokenize(bytes, text.count, $0, ids, scratch) }
    case .bpe(let model):
      model.withReader(scratch.cache) { tokenize(bytes, text.count, $0, ids, scratch) }
    case .wordLevel(let model):
      model.withReader(scratch.cache) { tokenize(bytes, text.count, $0, ids, scratch) }
    }
    if scratch.cache.hasFailed {
      throw Failure(
        .data, "expected a text of known characters, found one that the vocabulary does not have",
        hint: "this tokenizer has no unknown token")
    }
    if scratch.growth.isExceeded {
      throw Failure(
        .data,
        "expected the tokenizer to make at most \(scratch.growth.limit) bytes of a text of "
          + "\(text.count), found more")
    }
    if let refusal = scratch.matcher.refusal { throw refusal.failure }
  }

  private func tokenize(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ reader: some WordReader,
    _ ids: GrowableBuffer<Int32>, _ scratch: TokenizerScratch
  ) {
    added.rawPatterns.split(
      bytes, count,
      piece: { start, end in
        tokenizePiece(
          UnsafeRawBufferPointer(start: bytes + start, count: end - start), isFirst: start == 0,
          reader, ids, scratch)
      },
      token: { id in
        ids.reserve(1)
        ids.push(id)
      })
  }

  /// Appends the tokens of what lies between added tokens.
  private func tokenizePiece(
    _ text: UnsafeRawBufferPointer, isFirst: Bool, _ reader: some WordReader,
    _ ids: GrowableBuffer<Int32>, _ scratch: TokenizerScratch
  ) {
    let normalized = scratch.normalized
    normalizer.normalize(text, scratch)
    if scratch.growth.isExceeded { return }
    normalized.reserve(TokenTable.slack)
    // No token is shorter than a byte; splitting puts up to four before each word.
    ids.reserve(5 * normalized.count + 8)
    let origin = isFirst && preTokenizer.asksForStart ? TextOrigin.length(text, normalizer) : 0
    added.normalizedPatterns.split(
      normalized.pointer, normalized.count,
      piece: { start, end in
        preTokenizer.split(
          normalized.pointer + start, end - start, origin: origin - start, scratch
        ) { word, length in reader.append(word, length, to: ids) }
      },
      token: { id in
        ids.reserve(1)
        ids.push(id)
      })
  }
}

/// What stands around the two texts of a pair in place of what the tokenizer would put there; all
/// of the first segment.
package struct PairTemplate: Sendable {
  package enum Part: Sendable {
    case first, second
    case token(Int32)
  }

  let pieces: [PostProcessor.Piece]
  package let tokenCount: Int

  package init(_ parts: [Part]) {
    pieces = parts.map { part in
      switch part {
      case .first: .first(typeID: 0)
      case .second: .second(typeID: 0)
      case .token(let id): .special(ids: [id], typeID: 0)
      }
    }
    tokenCount = parts.count { if case .token = $0 { true } else { false } }
  }
}
