import Failures
import Tensors
import Tokenizers

/// Turns pairs of a query and a document into tokens of one sequence.
package struct PairTokenizer: Sendable {
  package let tokenizer: Tokenizer
  private let cutsTextsFirst: Bool
  private let queryLength: Int?
  private let documentLength: Int?
  private let pairLength: Int
  /// Put in front of every query.
  private let prompt: [UInt8]
  /// In place of the tokenizer's own.
  private let template: PairTemplate?
  /// Text around both, with the tokens behind them.
  private let frame: (text: ChatTemplate.Frame, back: [Int32])?
  /// Parts that are tokenised by themselves, and the most tokens of those with the texts.
  private let parts: (AnswerRecipe.Parts, length: Int)?

  /// - Parameters:
  ///   - tokenizer: The model's.
  ///   - description: The model's.
  ///   - maximumTokens: Most tokens that the backbone takes.
  ///   - maxLength: `--max-length`, in place of the model's own.
  /// - Throws: 78 where the model asks for a pattern whose tokens the tokenizer lacks; 78 where the
  ///   model's length leaves no room for special tokens, 64 where `maxLength` does not.
  package init(
    _ tokenizer: Tokenizer, _ description: ModelDescription, maximumTokens: Int,
    maxLength: Int? = nil
  ) throws(Failure) {
    self.tokenizer = tokenizer
    guard let settings = description.head.pairs else { preconditionFailure("not a cross-encoder") }
    cutsTextsFirst = settings.cutsTextsFirst
    template = try settings.pattern.map { pattern throws(Failure) in
      try PairTemplate(pattern, tokenizer)
    }
    queryLength = description.roles[.query]?.maximumLength
    documentLength = description.roles[.doc]?.maximumLength
    let prompt = description.roles[.pair]?.prompt ?? ""
    let ownParts = try settings.recipe.flatMap { recipe throws(Failure) in
      try recipe.parts(tokenizer, instruction: prompt)
    }
    var whole: ChatTemplate.Frame?
    if let recipe = settings.recipe, ownParts == nil {
      whole = recipe.frame(instruction: prompt)
    } else if let chat = settings.chat {
      whole = try chat.frame(prompt: prompt)
    }
    frame = try whole.map { frame throws(Failure) in
      var buffer = TokenBuffer()
      var scratch = TokenizerScratch()
      _ = try Array(frame.back.utf8).withBytes { bytes throws(Failure) in
        try tokenizer.encode(bytes, addSpecialTokens: false, into: &buffer, scratch: &scratch)
      }
      return (frame, buffer.ids)
    }
    self.prompt = frame == nil && ownParts == nil ? Array(prompt.utf8) : []
    // A length that is said wins over the tokenizer's own, as `processor_kwargs` do in
    // sentence-transformers (`base/modules/transformer.py`).
    let said = maxLength ?? description.roles[.pair]?.maximumLength
    let own = tokenizer.modelMaxLength ?? Int.max
    pairLength = min(said ?? own, maximumTokens)
    parts = ownParts.map { ($0, min(said ?? .max, min(own, maximumTokens) - $0.around)) }
    if let parts, parts.length < 4 {
      throw .config(
        description.folder.path, "\(maximumTokens) positions leave no room for pairs in their frame"
      )
    }
    guard frame == nil, parts == nil else { return }
    try description.require(
      room: template?.tokenCount ?? tokenizer.specialTokenCount(pair: true), in: pairLength,
      option: maxLength)
  }

  /// The tokenizer alone, for folders that hold nothing else.
  ///
  /// - Parameters:
  ///   - tokenizer: The tokenizer.
  ///   - maximumTokens: Longest pair, special tokens included.
  package init(_ tokenizer: Tokenizer, maximumTokens: Int) {
    self.tokenizer = tokenizer
    cutsTextsFirst = false
    template = nil
    frame = nil
    parts = nil
    queryLength = nil
    documentLength = nil
    pairLength = maximumTokens
    prompt = []
  }

  /// Text that stands for a query in its pairs: in Lightning IR that of its first `query_length`
  /// tokens, decoded again, else the query itself behind the model's prompt.
  package func prepared(
    query: UnsafeRawBufferPointer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> (text: [UInt8], removed: Int) {
    if prompt.isEmpty { return try cut(query, queryLength, &scratch) }
    return try (prompt + Array(query)).withBytes { query throws(Failure) in
      try cut(query, queryLength, &scratch)
    }
  }

  /// Appends the tokens of a pair.
  ///
  /// - Parameters:
  ///   - query: As `prepared` made it.
  ///   - document: The document.
  ///   - buffer: Gets the tokens.
  ///   - scratch: Memory that is used again.
  /// - Returns: Tokens of the document or the pair that were cut off.
  /// - Throws: 65 for a text that is no UTF-8.
  package func append(
    query: [UInt8], document: UnsafeRawBufferPointer, to buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
    if let parts {
      return try append(
        query, Array(document), in: parts.0, most: parts.length, to: &buffer, &scratch)
    }
    if let frame {
      return try append(query, Array(document), in: frame, to: &buffer, &scratch)
    }
    let (document, removed) = try cut(document, documentLength, &scratch)
    let start = buffer.count
    let counts = try query.withBytes { query throws(Failure) in
      try document.withBytes { document throws(Failure) in
        try tokenizer.encode(
          query, pair: document, template: template, maxLength: pairLength,
          truncation: .longestFirst, into: &buffer, scratch: &scratch)
      }
    }
    if !tokenizer.givesTypeIDs { buffer.clearTypeIDs(from: start) }
    return TokenCounts(removed: counts.removed + removed)
  }

  /// Appends the tokens of a pair in its frame, which are cut in front of what stands behind the texts
  /// (sentence-transformers 6.2 `base/modules/transformer.py`, `_restore_chat_template_suffix`).
  private func append(
    _ query: [UInt8], _ document: [UInt8],
    in frame: (text: ChatTemplate.Frame, back: [Int32]), to buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
    let texts = [query, document].map { frame.text.trims ? OuterBlanks.removed(from: $0) : $0 }
    let ordered = frame.text.documentFirst ? [texts[1], texts[0]] : texts
    let whole =
      Array(frame.text.front.utf8) + ordered[0] + Array(frame.text.middle.utf8) + ordered[1]
      + Array(frame.text.back.utf8)
    let start = buffer.count
    _ = try whole.withBytes { bytes throws(Failure) in
      try tokenizer.encode(bytes, addSpecialTokens: false, into: &buffer, scratch: &scratch)
    }
    let excess = buffer.count - start - pairLength
    guard excess > 0 else { return TokenCounts(removed: 0) }
    buffer.cut(to: buffer.count - excess)
    let back = frame.back.suffix(pairLength)
    for (i, token) in back.enumerated() { buffer.ids[buffer.count - back.count + i] = token }
    return TokenCounts(removed: excess)
  }

  /// Appends a pair whose parts are tokenised by themselves: a query gets three quarters of the room at
  /// most, and the document is cut to what is left (mxbai_rerank 0.1.6, `prepare_inputs`).
  private func append(
    _ query: [UInt8], _ document: [UInt8], in parts: AnswerRecipe.Parts, most length: Int,
    to buffer: inout TokenBuffer, _ scratch: inout TokenizerScratch
  ) throws(Failure) -> TokenCounts {
    var (removed, used) = (0, 0)
    for part in parts.parts {
      let (text, most): ([UInt8], Int)
      switch part {
      case .tokens(let ids):
        buffer.ids += ids
        buffer.typeIDs += repeatElement(0, count: ids.count)
        buffer.specialTokensMask += repeatElement(0, count: ids.count)
        continue
      case .query(let front): (text, most) = (front + query, length * 3 / 4)
      case .document(let front):
        (text, most) = (front + document, max(0, length - used - parts.between))
      }
      let start = buffer.count
      _ = try text.withBytes { bytes throws(Failure) in
        try tokenizer.encode(bytes, addSpecialTokens: false, into: &buffer, scratch: &scratch)
      }
      let count = buffer.count - start
      if count > most {
        buffer.cut(to: start + most)
        removed += count - most
      }
      used += min(count, most)
    }
    return TokenCounts(removed: removed)
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
    return (try tokenizer.decodeBytes(buffer.ids), counts.removed)
  }
}

extension PairTemplate {
  /// The parts of a pattern, whose tokens are given by their texts, as Lightning IR's
  /// `cross_encoder_tokenizer.py` has them.
  fileprivate init(_ pattern: [PairPatternPart], _ tokenizer: Tokenizer) throws(Failure) {
    var parts: [PairTemplate.Part] = []
    for part in pattern {
      switch part {
      case .query: parts.append(.first)
      case .document: parts.append(.second)
      case .token(let name):
        guard let id = tokenizer.id(of: name) ?? tokenizer.unkID else {
          throw .config(tokenizer.files.first, "the tokenizer has no token \(name)")
        }
        parts.append(.token(id))
      }
    }
    self.init(parts)
  }
}
