import Failures
import Tensors
import Tokenizers

/// Turns the texts of one role into tokens: prompt, markers, special tokens, length, expansion.
///
/// Lightning IR `bi_encoder/bi_encoder_tokenizer.py`, `models/bi_encoders/col.py`, `mvr.py`;
/// sentence-transformers `models/Transformer.py`.
package struct RoleTokenizer: Sendable {
  package let tokenizer: Tokenizer
  package let settings: RoleSettings
  package let maximumLength: Int?
  private let prompt: [UInt8]
  /// Special tokens in front of a text and behind it, where the role has tokens of its own.
  private let template: (prefix: [Int32], suffix: [Int32])?
  private let filler: Filler?

  /// Token that is appended to short texts, and the length that they get.
  private struct Filler: Sendable {
    var token: Int32
    var isAttended: Bool
    /// Takes the place of this token in the text, too.
    var replaces: Int32?
    var length: Length

    enum Length: Sendable {
      case exactly(Int)
      case multiple(of: Int)
    }
  }

  /// A tokenizer of one role's texts.
  ///
  /// - Parameters:
  ///   - tokenizer: Tokenizer of the model.
  ///   - settings: Settings of the role.
  ///   - maximumLength: Most tokens of a text; nil for no limit.
  /// - Throws: 78 where the tokenizer lacks a token that the role needs.
  package init(
    _ tokenizer: Tokenizer, _ settings: RoleSettings, maximumLength: Int?
  ) throws(Failure) {
    self.tokenizer = tokenizer
    self.settings = settings
    let own = settings.cutsAsTokenizer ? tokenizer.truncationLength : nil
    self.maximumLength = own.map { min($0, maximumLength ?? $0) } ?? maximumLength
    prompt = Array(settings.prompt.utf8)
    template =
      settings.inserted.isEmpty ? nil : try Self.template(tokenizer, settings.inserted)
    filler = try Self.filler(tokenizer, settings, maximumLength)
  }

  /// The number of special tokens that every text gets.
  package var specialTokenCount: Int {
    if let template { return template.prefix.count + template.suffix.count }
    return settings.addsSpecialTokens ? tokenizer.specialTokenCount(pair: false) : 0
  }

  private static func template(
    _ tokenizer: Tokenizer, _ inserted: [InsertedToken]
  ) throws(Failure) -> (prefix: [Int32], suffix: [Int32]) {
    guard let cls = tokenizer.clsID, let sep = tokenizer.sepID else {
      throw .config(
        tokenizer.files.first, "the tokenizer has no [CLS] and [SEP] to put \(inserted[0].name) by")
    }
    var prefix = [cls]
    for token in inserted {
      guard let id = token.id ?? tokenizer.id(of: token.name) else {
        throw .config(tokenizer.files.first, "the tokenizer has no token \(token.name)")
      }
      prefix.append(id)
    }
    return (prefix, [sep])
  }

  private static func filler(
    _ tokenizer: Tokenizer, _ settings: RoleSettings, _ length: Int?
  ) throws(Failure) -> Filler? {
    switch settings.filling {
    case .none: return nil
    case .mask(let isAttended):
      guard let mask = tokenizer.maskID else {
        throw .config(tokenizer.files.first, "expansion needs a mask token, the tokenizer has none")
      }
      guard let length else {
        throw .config(tokenizer.files.first, "expansion needs a maximum length")
      }
      return Filler(
        token: mask, isAttended: isAttended, replaces: tokenizer.padID, length: .exactly(length))
    case .expansion(let name, let least, let isAttended):
      let token = try Self.expansionToken(tokenizer, name)
      return Filler(
        token: token, isAttended: isAttended, replaces: nil,
        length: .exactly(min(least, length ?? least)))
    case .padding(let multiple):
      guard let pad = tokenizer.padID else {
        throw .config(tokenizer.files.first, "the tokenizer has no padding token")
      }
      return Filler(token: pad, isAttended: false, replaces: nil, length: .multiple(of: multiple))
    }
  }

  private static func expansionToken(
    _ tokenizer: Tokenizer, _ name: String?
  ) throws(Failure) -> Int32 {
    guard let name else {
      guard let token = tokenizer.maskID ?? tokenizer.eosID else {
        throw .config(
          tokenizer.files.first, "expansion needs a mask token, the tokenizer has none")
      }
      return token
    }
    guard let token = tokenizer.id(of: name) else {
      throw .config(tokenizer.files.first, "the tokenizer has no token \(name)")
    }
    return token
  }

  /// Appends the tokens of a text, which is valid UTF-8.
  package func append(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
    let start = buffer.count
    let removed = try withPrompt(text) { text throws(Failure) in
      try appendTemplate(text, to: &buffer, &scratch)
    }
    if settings.dropsUnknown, let unknown = tokenizer.unknownID {
      buffer.drop(unknown, from: start)
    }
    guard let filler else { return TokenCounts(removed: removed) }
    return TokenCounts(removed: removed, hidden: fill(&buffer, from: start, filler))
  }

  /// Calls a closure with a text behind its prompt, as the tokenizer gets it.
  private func withPrompt<Result>(
    _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
      settings.trims ? UnsafeRawBufferPointer(rebasing: bytes[OuterBlanks.inside(bytes)]) : bytes
    }
    if prompt.isEmpty { return try body(trimmed(text)) }
    return try (prompt + Array(text)).withBytes { bytes throws(Failure) in try body(trimmed(bytes))
    }
  }

  /// Appends the tokens of a text with its prompt, and returns how many tokens were cut off.
  private func appendTemplate(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> Int {
    guard let template else {
      return try tokenizer.encode(
        text, addSpecialTokens: settings.addsSpecialTokens, maxLength: maximumLength,
        into: &buffer, scratch: &scratch
      ).removed
    }
    let around = specialTokenCount
    if let maximumLength, maximumLength < around {
      throw .usage(
        "a maximum length of \(maximumLength) leaves no room for \(around) special tokens")
    }
    buffer.append(special: template.prefix)
    let counts = try tokenizer.encode(
      text, addSpecialTokens: false, maxLength: maximumLength.map { $0 - around }, into: &buffer,
      scratch: &scratch)
    buffer.append(special: template.suffix)
    return counts.removed
  }

  /// Fills up the text that starts at `start`; returns the number of hidden tokens.
  private func fill(_ buffer: inout TokenBuffer, from start: Int, _ filler: Filler) -> Int {
    let count = buffer.count - start
    let length =
      switch filler.length {
      case .exactly(let length): max(length, count)
      case .multiple(let multiple): (count + multiple - 1) / multiple * multiple
      }
    if let replaced = filler.replaces {
      for i in start..<buffer.count where buffer.ids[i] == replaced { buffer.ids[i] = filler.token }
    }
    buffer.append(special: Array(repeating: filler.token, count: length - count))
    return filler.isAttended ? 0 : length - count
  }
}

extension RoleTokenizer {
  /// Appends all tokens of a text with its prompt, and no special tokens.
  package func appendUncut(
    _ text: UnsafeRawBufferPointer, to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
    let counts = try withPrompt(text) { text throws(Failure) in
      try tokenizer.encode(text, addSpecialTokens: false, into: &buffer, scratch: &scratch)
    }
    return TokenCounts(removed: counts.removed)
  }

  /// The special tokens in front of a text and behind it.
  package func surroundings(
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> (prefix: [Int32], suffix: [Int32]) {
    if let template { return template }
    return tokenizer.surroundings(
      addSpecialTokens: settings.addsSpecialTokens, scratch: &scratch)
  }

  /// Tokens at the start of every text that are its prompt's: special ones in front and the prompt
  /// as it is tokenised alone (sentence-transformers `Transformer._get_prompt_length`).
  package func promptTokens(_ scratch: inout TokenizerScratch) throws(Failure) -> Int {
    if prompt.isEmpty { return 0 }
    var buffer = TokenBuffer()
    _ = try prompt.withBytes { bytes throws(Failure) in
      try appendTemplate(bytes, to: &buffer, &scratch)
    }
    guard let last = buffer.ids.last, tokenizer.isSpecial(last) else {
      return buffer.count
    }
    return buffer.count - 1
  }
}

extension TokenBuffer {
  /// Leaves out a token behind the first `start`.
  fileprivate mutating func drop(_ token: Int32, from start: Int) {
    let all = self
    cut(to: start)
    for i in start..<all.count where all.ids[i] != token {
      ids.append(all.ids[i])
      typeIDs.append(all.typeIDs[i])
      specialTokensMask.append(all.specialTokensMask[i])
    }
  }

  /// Appends special tokens of the first segment.
  fileprivate mutating func append(special tokens: [Int32]) {
    ids += tokens
    typeIDs += repeatElement(0, count: tokens.count)
    specialTokensMask += repeatElement(1, count: tokens.count)
  }
}

extension ModelDescription {
  /// Refuses a length that holds no more than a part of the special tokens.
  ///
  /// - Parameters:
  ///   - count: Special tokens of every text.
  ///   - length: Most tokens of a text.
  ///   - option: `--max-length`, where the length is from there and not from the model.
  /// - Throws: 64 where the option leaves no room, 78 where the model's own length does not.
  package func require(room count: Int, in length: Int?, option: Int?) throws(Failure) {
    guard let length, length < count else { return }
    let text = "a maximum length of \(length) leaves no room for \(count) special tokens"
    throw option == nil ? .config(folder.path, text) : .usage("--max-length: \(text)")
  }
}
