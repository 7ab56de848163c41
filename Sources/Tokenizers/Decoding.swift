import Failures

extension Tokenizer {
  /// The text of `ids`, as transformers' `decode`.
  ///
  /// Ids without a token are left out.
  ///
  /// - Parameters:
  ///   - ids: of this tokenizer.
  ///   - skipSpecialTokens: whether special tokens are left out.
  ///   - cleanUp: `clean_up_tokenization_spaces`; nil for what the checkpoint says.
  /// - Returns: the text.
  /// - Throws: 65 where the decoder makes too much of them.
  package func decode(
    _ ids: some Sequence<Int32>, skipSpecialTokens: Bool = false, cleanUp: Bool? = nil
  ) throws(Failure) -> String {
    String(
      decoding: try decodeBytes(ids, skipSpecialTokens: skipSpecialTokens, cleanUp: cleanUp),
      as: UTF8.self)
  }

  /// The text of ids, as UTF-8 bytes.
  package func decodeBytes(
    _ ids: some Sequence<Int32>, skipSpecialTokens: Bool = false, cleanUp: Bool? = nil
  ) throws(Failure) -> [UInt8] {
    var tokens: [[UInt8]] = []
    for id in ids {
      guard let token = bytes(of: id) else { continue }
      if skipSpecialTokens, added.isSpecial(token[...]) { continue }
      tokens.append(token)
    }
    var text = try decoder.decode(tokens)
    if cleanUp ?? cleansUpSpaces { CleanUp.whole.forEach { $0.apply(&text) } }
    return text
  }
}
