import Failures
import JSON

/// `tokenizer.json`, read: one field a component.
///
/// Source: `tokenizer/serialization.rs` of Hugging Face `tokenizers` 0.22.2. The sections
/// `truncation` and `padding` matter only for defaults, since transformers sets both on each call.
struct TokenizerJSON {
  var normalizer = Normalizer.none
  var preTokenizer = PreTokenizer.none
  var model: TokenizerModel
  var decoder = Decoder.none
  var postProcessor = PostProcessor.none
  var addedTokens: [(id: Int, token: AddedToken)] = []
  var truncation: JSON?
  var padding: JSON?

  /// - Parameters:
  ///   - bytes: The file.
  ///   - path: Its path, for messages.
  ///   - scoresAreExact: Whether scores of pieces are the nearest numbers to their texts, as Python
  ///     reads them, in place of those of serde_json.
  /// - Throws: 65 for malformed JSON and fields of a wrong kind, 78 for components that this
  ///   version does not have, by name.
  init(_ bytes: [UInt8], path: String, scoresAreExact: Bool = false) throws(Failure) {
    var sections: [String: JSON] = [:]
    var reader = ModelReader(
      path: path, byteCount: bytes.count, scoresAreExact: scoresAreExact)
    try bytes.withBytes { buffer throws(Failure) in
      var parser = JSONParser(buffer)
      let wrap = { (error: JSONError) in Failure.data(path, error.description) }
      try parser.object(
        { (parser: inout JSONParser, key: String) throws(Failure) in
          if sections[key] != nil {
            throw .data(path, "expected \"\(key)\" once, found it again")
          }
          if key == "model" {
            sections[key] = .null
            try reader.read(&parser)
            return
          }
          do throws(JSONError) { sections[key] = try parser.value() } catch { throw wrap(error) }
        }, wrap: wrap)
      do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    }
    guard sections["model"] != nil else { throw .data(path, "expected a \"model\", found none") }
    let fields = ComponentReader(path: path)
    if let version = sections["version"]?.string, version != "1.0" {
      throw .config(path, "expected version 1.0, found \(version)")
    }
    model = try reader.finish()
    normalizer = try fields.normalizer(sections["normalizer"] ?? .null)
    preTokenizer = try fields.preTokenizer(sections["pre_tokenizer"] ?? .null)
    decoder = try fields.decoder(sections["decoder"] ?? .null)
    postProcessor = try fields.postProcessor(sections["post_processor"] ?? .null)
    for (index, entry) in (sections["added_tokens"]?.array ?? []).enumerated() {
      addedTokens.append(try fields.addedToken(entry, "added_tokens[\(index)]"))
    }
    truncation = sections["truncation"]
    padding = sections["padding"]
  }
}

/// Reads the section `model` without building a tree of its vocabulary.
private struct ModelReader {
  let path: String
  let byteCount: Int
  let scoresAreExact: Bool
  var vocabulary: Vocabulary
  var unigram: UnigramReader?
  var merges: BPEReader?
  var hasVocabulary = false
  var fields: [String: JSON] = [:]

  init(path: String, byteCount: Int, scoresAreExact: Bool) {
    self.path = path
    self.byteCount = byteCount
    self.scoresAreExact = scoresAreExact
    // About fifteen bytes an entry; the table grows where they are shorter.
    vocabulary = Vocabulary(expected: byteCount / 15, bytes: byteCount)
  }

  mutating func read(_ parser: inout JSONParser) throws(Failure) {
    let path = path
    let wrap = { (error: JSONError) in Failure.data(path, error.description) }
    try parser.object(
      { (parser: inout JSONParser, key: String) throws(Failure) in
        if key == "vocab", parser.isAtArray() {
          if hasVocabulary { throw .data(path, "expected one \"vocab\", found another") }
          hasVocabulary = true
          var reader = UnigramReader(
            path: path, byteCount: byteCount, scoresAreExact: scoresAreExact)
          try reader.read(&parser)
          unigram = reader
          return
        }
        if key == "merges" {
          var reader = BPEReader(path: path)
          try reader.read(&parser)
          merges = reader
          return
        }
        if key == "vocab" {
          if hasVocabulary { throw .data(path, "expected one \"vocab\", found another") }
          hasVocabulary = true
          try parser.objectOfBytes(
            { (parser: inout JSONParser, token) throws(Failure) in
              try add(token, &parser)
            }, wrap: wrap)
          return
        }
        do throws(JSONError) { fields[key] = try parser.value() } catch { throw wrap(error) }
      }, wrap: wrap)
  }

  private mutating func add(
    _ token: UnsafeRawBufferPointer, _ parser: inout JSONParser
  ) throws(Failure) {
    let id: Int
    do throws(JSONError) { id = try parser.integer() } catch {
      throw .data(path, error.description)
    }
    // A table has a place for each id: one that is far beyond the number of tokens costs memory.
    let largest = min(Vocabulary.largestID, max(1 << 20, byteCount))
    guard (0...largest).contains(id) else {
      throw .data(
        "\(path): byte \(parser.position)", "expected an id of 0...\(largest), found \(id)")
    }
    if !vocabulary.add(token, id: id) {
      throw .data(
        "\(path): byte \(parser.position)",
        "expected each token once, found \"\(String(decoding: token, as: UTF8.self))\" again"
      )
    }
  }

  /// The model of files that do not name it: the first whose fields are there.
  private var guess: String {
    if unigram != nil { return "Unigram" }
    if merges != nil { return "BPE" }
    return fields["continuing_subword_prefix"] == nil ? "WordLevel" : "WordPiece"
  }

  /// The model, once all is read.
  func finish() throws(Failure) -> TokenizerModel {
    let type = fields["type"]?.string ?? guess
    if type == "Unigram" {
      guard let unigram else { throw .data(path, "expected \"model\" to have a \"vocab\"") }
      return .unigram(try unigram.finish(fields))
    }
    guard ["WordPiece", "BPE", "WordLevel"].contains(type) else {
      throw .config(
        path, "model \(type) is not supported",
        hint: "supported: WordPiece, BPE, Unigram, WordLevel")
    }
    guard hasVocabulary else { throw .data(path, "expected \"model\" to have a \"vocab\"") }
    let reader = ComponentReader(path: path)
    if type == "BPE" {
      guard let merges else { throw .data(path, "expected \"model\" to have \"merges\"") }
      return .bpe(try merges.finish(fields, vocabulary))
    }
    if type == "WordLevel" {
      return .wordLevel(
        WordLevel(
          vocabulary: vocabulary,
          unknownToken: try reader.string(fields["unk_token"], "model.unk_token")))
    }
    return .wordPiece(
      try WordPiece(
        vocabulary: vocabulary,
        unknownToken: try reader.string(fields["unk_token"], "model.unk_token"),
        continuationPrefix: try reader.string(
          fields["continuing_subword_prefix"], "model.continuing_subword_prefix"),
        maximumScalarsPerWord: try reader.integer(
          fields["max_input_chars_per_word"], "model.max_input_chars_per_word"),
        place: path))
  }
}
