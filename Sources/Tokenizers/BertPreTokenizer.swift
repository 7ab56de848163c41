import UnicodeTables

/// The pre-tokenizer of BERT: words between white space, each punctuation character by itself.
///
/// Source: `pre_tokenizers/bert.rs` of Hugging Face `tokenizers` 0.22.2.
enum BertPreTokenizer {
  /// Calls `word` with the start and length of each word of `bytes`.
  @inline(__always)
  static func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    var i = 0
    var start = 0
    while i < count {
      let byte = bytes[i]
      var length = 1
      let kind: ASCIIClass
      if byte < 0x80 {
        kind = ASCIIClass.of(byte)
        if kind == .letter {
          i &+= 1
          continue
        }
      } else {
        let decoded = UTF8Scalar.decode(bytes + i)
        length = decoded.length
        let properties = ScalarProperties.of(decoded.scalar)
        if !properties.meets(.whiteSpaceOrPunctuation) {
          i &+= length
          continue
        }
        kind = properties.contains(.whiteSpace) ? .space : .punctuation
      }
      if i > start { word(bytes + start, i &- start) }
      if kind == .punctuation { word(bytes + i, length) }
      i &+= length
      start = i
    }
    if i > start { word(bytes + start, i &- start) }
  }
}

/// How the pre-tokenizer sees an ASCII character.
private enum ASCIIClass {
  case letter, space, punctuation

  /// Bit n of `spaces` and `marks`: whether character n (or 64 + n) is white space or punctuation.
  private static let lowSpaces: UInt64 = 0x0000_0001_0000_3E00
  private static let lowMarks: UInt64 = 0xFC00_FFFE_0000_0000
  private static let highMarks: UInt64 = 0x7800_0001_F800_0001

  @inline(__always)
  static func of(_ byte: UInt8) -> ASCIIClass {
    let bit = UInt64(1) &<< UInt64(byte & 63)
    if byte >= 64 { return highMarks & bit != 0 ? .punctuation : .letter }
    if lowSpaces & bit != 0 { return .space }
    return lowMarks & bit != 0 ? .punctuation : .letter
  }
}
