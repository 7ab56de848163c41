import Failures
import Tensors
import Tokenizers

/// Turns the texts of one role into tokens: prompt, markers, special tokens, length.
///
/// Lightning IR `bi_encoder/bi_encoder_tokenizer.py`; sentence-transformers
/// `models/Transformer.py`.
package struct RoleTokenizer: Sendable {
  package let tokenizer: Tokenizer
  package let settings: RoleSettings
  private let prompt: [UInt8]
  private let marker: Int32?
  package let maximumLength: Int?

  /// `maximumLength`: the length in force; nil for no limit.
  ///
  /// Throws: 78 where the tokenizer lacks the marker or the tokens around it.
  package init(
    _ tokenizer: Tokenizer, _ settings: RoleSettings, maximumLength: Int?
  ) throws(Failure) {
    self.tokenizer = tokenizer
    self.settings = settings
    self.maximumLength = maximumLength
    prompt = Array(settings.prompt.utf8)
    guard let name = settings.marker else {
      marker = nil
      return
    }
    guard let id = tokenizer.id(of: name), tokenizer.clsID != nil, tokenizer.sepID != nil else {
      throw .config(tokenizer.files.first, "the tokenizer has no \(name), [CLS] or [SEP]")
    }
    marker = id
  }

  /// Appends the tokens of a text.
  ///
  /// `text`: valid UTF-8.
  package func append(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    if prompt.isEmpty { return try appendWhole(text, to: &buffer, &scratch) }
    let prompted = prompt + Array(text)
    var counts: EncodedCounts?
    try prompted.withUnsafeBufferPointer { bytes throws(Failure) in
      counts = try appendWhole(UnsafeRawBufferPointer(bytes), to: &buffer, &scratch)
    }
    return counts ?? EncodedCounts(tokens: 0, removed: 0)
  }

  private func appendWhole(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    guard let marker, let cls = tokenizer.clsID, let sep = tokenizer.sepID else {
      return try tokenizer.encode(
        text, addSpecialTokens: settings.addsSpecialTokens, maxLength: maximumLength,
        into: &buffer, scratch: &scratch)
    }
    // [CLS] marker text [SEP]
    let around = 3
    if let maximumLength, maximumLength < around {
      throw .usage(
        "a maximum length of \(maximumLength) leaves no room for \(around) special tokens")
    }
    buffer.append(special: [cls, marker])
    var counts = try tokenizer.encode(
      text, addSpecialTokens: false, maxLength: maximumLength.map { $0 - around }, into: &buffer,
      scratch: &scratch)
    buffer.append(special: [sep])
    counts.tokens += around
    return counts
  }
}

extension RoleTokenizer {
  /// Appends all tokens of a text with its prompt, and no special tokens.
  package func appendUncut(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    let prompted = prompt + Array(text)
    var counts = EncodedCounts(tokens: 0, removed: 0)
    try prompted.withUnsafeBufferPointer { bytes throws(Failure) in
      counts = try tokenizer.encode(
        UnsafeRawBufferPointer(bytes), addSpecialTokens: false, into: &buffer, scratch: &scratch)
    }
    return counts
  }

  /// The special tokens in front of a text and behind it.
  package func surroundings(
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> (prefix: [Int32], suffix: [Int32]) {
    var buffer = TokenBuffer()
    let probe: [UInt8] = [UInt8(ascii: "a")]
    try probe.withUnsafeBufferPointer { bytes throws(Failure) in
      _ = try appendWhole(UnsafeRawBufferPointer(bytes), to: &buffer, &scratch)
    }
    let prefix = buffer.specialTokensMask.prefix { $0 == 1 }.count
    let suffix = buffer.specialTokensMask.reversed().prefix { $0 == 1 }.count
    return (Array(buffer.ids.prefix(prefix)), Array(buffer.ids.suffix(suffix)))
  }
}

extension TokenBuffer {
  /// Appends special tokens of the first segment.
  fileprivate mutating func append(special tokens: [Int32]) {
    ids += tokens
    typeIDs += tokens.map { _ in 0 }
    specialTokensMask += tokens.map { _ in 1 }
  }
}

/// Turns pairs of a query and a document into tokens of one sequence.
package struct PairTokenizer: Sendable {
  package let tokenizer: Tokenizer
  private let cutsTextsFirst: Bool
  private let queryLength: Int?
  private let documentLength: Int?
  private let pairLength: Int

  package init(_ tokenizer: Tokenizer, _ description: ModelDescription, maximumTokens: Int) {
    self.tokenizer = tokenizer
    if case .mono(let settings) = description.architecture {
      cutsTextsFirst = settings.cutsTextsFirst
    } else {
      cutsTextsFirst = false
    }
    queryLength = description.roles[.query]?.maximumLength
    documentLength = description.roles[.doc]?.maximumLength
    pairLength = min(
      description.roles[.pair]?.maximumLength ?? Int.max, tokenizer.modelMaxLength ?? Int.max,
      maximumTokens)
  }

  /// What stands for a query in its pairs: in Lightning IR the text of its first `query_length`
  /// tokens, decoded again, else the text itself.
  package func prepared(
    query: UnsafeRawBufferPointer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> (text: [UInt8], removed: Int) {
    try cut(query, queryLength, &scratch)
  }

  /// Appends the tokens of a pair.
  ///
  /// `query`: as `prepared` made it.
  /// Returns: tokens appended, and tokens of the document or the pair that were cut off.
  package func append(
    query: [UInt8], document: UnsafeRawBufferPointer, to buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> EncodedCounts {
    let (document, removed) = try cut(document, documentLength, &scratch)
    var counts = EncodedCounts(tokens: 0, removed: 0)
    try query.withUnsafeBufferPointer { query throws(Failure) in
      try document.withUnsafeBufferPointer { document throws(Failure) in
        counts = try tokenizer.encode(
          UnsafeRawBufferPointer(query), pair: UnsafeRawBufferPointer(document),
          maxLength: pairLength, truncation: .longestFirst, into: &buffer, scratch: &scratch)
      }
    }
    counts.removed += removed
    return counts
  }

  /// The reference decodes what it cut and encodes that again: lower case, other spaces, and
  /// `[UNK]` for unknown words become part of the text.
  ///
  /// `cross_encoder_tokenizer.py`, `_truncate`.
  private func cut(
    _ text: UnsafeRawBufferPointer, _ length: Int?, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> (text: [UInt8], removed: Int) {
    guard cutsTextsFirst, let length else { return (Array(text), 0) }
    var buffer = TokenBuffer()
    let counts = try tokenizer.encode(
      text, addSpecialTokens: false, maxLength: length, into: &buffer, scratch: &scratch)
    return (tokenizer.decodeBytes(buffer.ids), counts.removed)
  }
}
