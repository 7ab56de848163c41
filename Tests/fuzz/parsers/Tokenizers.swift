import Streams
import Tokenizers

extension Target {
  /// Tokenizers: their files, and regular expressions.
  static let tokenizers = [
    Target("tokenizer", ["tokenizer.json"]) { bytes in
      try encode(Scratch.folder([("tokenizer.json", bytes)]))
    },
    Target("vocabulary", ["vocab.txt"]) { bytes in
      let config = Array(#"{"tokenizer_class": "BertTokenizer"}"#.utf8)
      try encode(Scratch.folder([("tokenizer_config.json", config), ("vocab.txt", bytes)]))
    },
    Target("sentencepiece", [".model"]) { bytes in
      var refused: [any Error] = []
      for name in ["XLMRoberta", "T5", "Albert", "DebertaV2", "MBart"] {
        let config = Array("{\"tokenizer_class\": \"\(name)Tokenizer\"}".utf8)
        // What one class refuses another one may take.
        do {
          try encode(
            Scratch.folder([("tokenizer_config.json", config), ("spiece.model", bytes)]))
        } catch { refused.append(error) }
      }
      if refused.count == 5 { throw refused[0] }
    },
    Target("regex", [".regex"]) { bytes in
      // A pattern, and behind a line feed the text.
      let parts = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
      let regex = try Regex(String(decoding: parts[0], as: UTF8.self))
      let text = Array(String(decoding: parts.count > 1 ? parts[1] : [], as: UTF8.self).utf8)
      let matcher = RegexMatcher(longestTime: 1)
      matcher.reset()
      (text + [0]).withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        var end = 0
        matcher.parts(regex, base, text.count) { from, to, _ in
          precondition(from == end && to >= from && to <= text.count, "a gap")
          end = to
        }
      }
    },
  ]

  private static let texts = ["", "Héllo wörld 北京 a\u{301}\u{0} ##ing <s> 12,345", "\n\t x  y "]

  private static func encode(_ folder: String) throws {
    let tokenizer = try Tokenizer.load(folder: folder)
    var scratch = TokenizerScratch()
    for text in texts {
      var buffer = TokenBuffer()
      _ = try Array(text.utf8).withUnsafeBytes {
        try tokenizer.encode($0, maxLength: 64, into: &buffer, scratch: &scratch)
      }
    }
  }
}
