import Failures
import Foundation
import JSON
import Tokenizers

/// A checkpoint's folder made for one test, removed with the value.
final class Checkpoint {
  let folder: String

  init(_ files: [String: String]) throws {
    folder = NSTemporaryDirectory() + "lir-tokenizer-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in files {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func load() throws -> Tokenizer { try Tokenizer.load(folder: folder) }

  static let tokens = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "##c", "the", "cafe", "café",
    "!", "New", "new", "##é", "é",
  ]

  /// A tokenizer.json of BERT's kind.
  static func json(
    lowercase: Bool = true, added: [String] = [], changing: (String, String)? = nil
  ) -> String {
    let vocabulary = tokens.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
    let specials = tokens.prefix(5).enumerated().map { token($1, id: $0, special: true) }
    let text = """
      {"version":"1.0","truncation":null,"padding":null,
       "added_tokens":[\((specials + added).joined(separator: ","))],
       "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
         "strip_accents":null,"lowercase":\(lowercase)},
       "pre_tokenizer":{"type":"BertPreTokenizer"},
       "post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},
       "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
       "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
         "max_input_chars_per_word":100,"vocab":{\(vocabulary)}}}
      """
    guard let (from, to) = changing else { return text }
    precondition(text.contains(from), "no \(from) to change")
    return text.replacingOccurrences(of: from, with: to)
  }

  static func token(
    _ content: String, id: Int, special: Bool = false, normalized: Bool = false,
    left: Bool = false, right: Bool = false, single: Bool = false
  ) -> String {
    """
    {"id":\(id),"content":"\(content)","single_word":\(single),"lstrip":\(left),"rstrip":\(right),\
    "normalized":\(normalized),"special":\(special)}
    """
  }
}

/// The failure that `body` throws; nil where it throws none.
func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch { return error as? Failure }
}
