import Failures

/// How tokens become text again.
///
/// Source: `decoders/` of Hugging Face `tokenizers` 0.22.2.
struct Decoder: Sendable {
  enum Step: Sendable {
    case wordPiece(prefix: [UInt8], cleanUp: Bool)
    case metaspace(Metaspace)
    /// The characters of tokens are bytes; what is not UTF-8 becomes U+FFFD.
    case byteLevel
    /// `BPEDecoder`: what ends words becomes a space.
    case wordEnds([UInt8])
    /// Tokens like `<0x0A>` are bytes.
    case byteFallback
    /// All tokens become one.
    case fuse
    case replace(Regex, with: [UInt8])
    /// So many of a character are taken away from both ends of each token.
    case strip([UInt8], start: Int, end: Int)
  }

  /// Nil: tokens are put together with a space between.
  var steps: [Step]?

  static let none = Decoder(steps: nil)

  /// The text of tokens.
  ///
  /// - Throws: 65 where steps make too much of it, or take too long.
  func decode(_ tokens: [[UInt8]]) throws(Failure) -> [UInt8] {
    guard let steps else { return Array(tokens.joined(separator: [0x20])) }
    let growth = TextGrowth()
    // A space at most comes with each token.
    growth.reset(tokens.reduce(tokens.count) { $0 + $1.count })
    var parts = tokens
    for step in steps { parts = try step.apply(parts, growth.limit) }
    return Array(parts.joined())
  }
}

extension Decoder.Step {
  fileprivate func apply(_ tokens: [[UInt8]], _ limit: Int) throws(Failure) -> [[UInt8]] {
    switch self {
    case .wordPiece(let prefix, let cleanUp):
      return tokens.enumerated().map { index, token in
        Self.wordPiece(token, prefix, cleanUp, isFirst: index == 0)
      }
    case .metaspace(let metaspace):
      return tokens.enumerated().map { index, token in
        var text: [UInt8] = []
        metaspace.append(token[...], isFirst: index == 0, to: &text)
        return text
      }
    case .byteLevel:
      let bytes = tokens.flatMap { ByteCharacters.read($0[...]) ?? $0 }
      return [Array(String(decoding: bytes, as: UTF8.self).utf8)]
    case .wordEnds(let suffix):
      return tokens.enumerated().map { index, token in
        var text = token
        CleanUp(suffix, index == tokens.count - 1 ? [] : [0x20]).apply(&text)
        return text
      }
    case .byteFallback: return Self.byteFallback(tokens)
    case .fuse: return [Array(tokens.joined())]
    case .replace(let regex, let content):
      return try Self.replace(tokens, regex, content, limit)
    case .strip(let character, let start, let end):
      return tokens.map { Self.strip($0, character, start, end) }
    }
  }

  private static func wordPiece(
    _ token: [UInt8], _ prefix: [UInt8], _ cleanUp: Bool, isFirst: Bool
  ) -> [UInt8] {
    var text = token
    if !isFirst {
      if token.starts(with: prefix) {
        text.removeFirst(prefix.count)
      } else {
        text.insert(0x20, at: 0)
      }
    }
    if cleanUp, CleanUp.mayChange(text[...]) { CleanUp.wordPiece.forEach { $0.apply(&text) } }
    return text
  }

  private static func byteFallback(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var bytes: [UInt8] = []
    func flush() {
      if String(validating: bytes, as: UTF8.self) != nil {
        if !bytes.isEmpty { result.append(bytes) }
      } else {
        result += Array(repeating: [0xEF, 0xBF, 0xBD], count: bytes.count)
      }
      bytes = []
    }
    for token in tokens {
      if let byte = byte(token) {
        bytes.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }

  /// The byte that a token like `<0x0A>` stands for.
  private static func byte(_ token: [UInt8]) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token[5] == UInt8(ascii: ">") else {
      return nil
    }
    return UInt8(String(decoding: token[3..<5], as: UTF8.self), radix: 16)
  }

  private static func replace(
    _ tokens: [[UInt8]], _ regex: Regex, _ content: [UInt8], _ limit: Int
  ) throws(Failure) -> [[UInt8]] {
    let matcher = RegexMatcher()
    var left = limit
    var result: [[UInt8]] = []
    for token in tokens {
      var text: [UInt8] = []
      token.withUnsafeBufferPointer { token in
        guard let base = token.baseAddress else { return }
        matcher.parts(regex, base, token.count) { start, end, isMatch in
          if text.count > left { return }
          text += isMatch ? content : Array(token[start..<end])
        }
      }
      if let refusal = matcher.refusal { throw refusal.failure }
      left -= text.count
      if left < 0 {
        throw Failure(.data, "expected the decoder to make at most \(limit) bytes, found more")
      }
      result.append(text)
    }
    return result
  }

  private static func strip(
    _ token: [UInt8], _ character: [UInt8], _ start: Int, _ end: Int
  ) -> [UInt8] {
    var text = token[...]
    var left = start
    while left > 0, text.starts(with: character) {
      text.removeFirst(character.count)
      left -= 1
    }
    left = end
    while left > 0, text.count >= character.count,
      text.suffix(character.count).elementsEqual(character)
    {
      text.removeLast(character.count)
      left -= 1
    }
    return Array(text)
  }
}
