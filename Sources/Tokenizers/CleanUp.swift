/// A replacement in a decoded text, most of which take spaces out of English.
///
/// Sources: `decoders/wordpiece.rs` of Hugging Face `tokenizers` 0.22.2, and
/// `clean_up_tokenization` in `tokenization_utils_base.py` of transformers 4.57.
struct CleanUp: Sendable {
  let find: [UInt8]
  let put: [UInt8]

  init(_ find: StaticString, _ put: StaticString) {
    self.find = find.withUTF8Buffer { Array($0) }
    self.put = put.withUTF8Buffer { Array($0) }
  }

  init(_ find: [UInt8], _ put: [UInt8]) {
    self.find = find
    self.put = put
  }

  private static let punctuation = [
    CleanUp(" .", "."), CleanUp(" ?", "?"), CleanUp(" !", "!"), CleanUp(" ,", ","),
    CleanUp(" ' ", "'"), CleanUp(" n't", "n't"), CleanUp(" 'm", "'m"),
  ]
  private static let contractions = [
    CleanUp(" 's", "'s"), CleanUp(" 've", "'ve"), CleanUp(" 're", "'re"),
  ]

  /// What the WordPiece decoder does to each token.
  static let wordPiece = punctuation + [CleanUp(" do not", " don't")] + contractions
  /// What transformers does to the whole text.
  static let whole = punctuation + contractions

  /// Whether any replacement can apply: a quick no for most tokens.
  static func mayChange(_ text: ArraySlice<UInt8>) -> Bool {
    var spaces = 0
    for byte in text {
      switch byte {
      case 0x2E, 0x3F, 0x21, 0x2C, 0x27: return true
      case 0x20: spaces += 1
      default: break
      }
    }
    return spaces > 1
  }

  /// Replaces all that is found, from the left, in one pass.
  func apply(_ text: inout [UInt8]) {
    guard let first = index(in: text, from: 0) else { return }
    var result = Array(text[..<first])
    var i = first
    while true {
      result.append(contentsOf: put)
      i += find.count
      guard let next = index(in: text, from: i) else { break }
      result.append(contentsOf: text[i..<next])
      i = next
    }
    result.append(contentsOf: text[i...])
    text = result
  }

  private func index(in text: [UInt8], from start: Int) -> Int? {
    text.withUnsafeBufferPointer { text in
      var i = start
      while i + find.count <= text.count {
        if text[i] == find[0] {
          var j = 1
          while j < find.count, text[i + j] == find[j] { j += 1 }
          if j == find.count { return i }
        }
        i += 1
      }
      return nil
    }
  }
}
