import Failures
import JSON

extension TokenizerJSON {
  /// What transformers converts a folder with `vocab.json` and `merges.txt` to.
  ///
  /// Source: `RobertaConverter` in `convert_slow_tokenizer.py` of transformers 4.57.
  ///
  /// - Parameters:
  ///   - words: `vocab.json`.
  ///   - merges: `merges.txt`.
  ///   - files: The folder.
  ///   - tokenizerClass: Whose special tokens apply.
  /// - Throws: 65 for damaged files; 78 where the vocabulary lacks a special token.
  init(
    vocabulary words: [UInt8], merges: [UInt8], _ files: TokenizerFolder,
    _ tokenizerClass: TokenizerClass
  ) throws(Failure) {
    let path = files.path("vocab.json")
    let vocabulary = try Self.vocabulary(words, path)
    var reader = BPEReader(path: files.path("merges.txt"))
    try reader.read(lines: merges)
    model = .bpe(try reader.finish([:], vocabulary))
    preTokenizer = PreTokenizer(
      steps: [.byteLevel(ByteLevel(addPrefixSpace: false, usesRegex: true))])
    decoder = Decoder(steps: [.byteLevel])
    let specials = try SpecialTokens(files, tokenizerClass, serialized: [], padding: nil)
    func id(_ name: String) throws(Failure) -> Int32 {
      guard let token = specials.content(name), let id = vocabulary.id(of: token) else {
        throw .config(path, "expected the vocabulary to have the \(name)")
      }
      return id
    }
    postProcessor = .roberta(cls: try id("cls_token"), sep: try id("sep_token"))
  }

  private static func vocabulary(_ bytes: [UInt8], _ path: String) throws(Failure) -> Vocabulary {
    var vocabulary = Vocabulary(expected: bytes.count / 15, bytes: bytes.count)
    let wrap = { (error: JSONError) in Failure.data(path, error.description) }
    try bytes.withBytes { buffer throws(Failure) in
      var parser = JSONParser(buffer)
      try parser.objectOfBytes(
        { (parser: inout JSONParser, token) throws(Failure) in
          let id: Int
          do throws(JSONError) { id = try parser.integer() } catch { throw wrap(error) }
          let largest = min(Vocabulary.largestID, max(1 << 20, bytes.count))
          guard (0...largest).contains(id), vocabulary.add(token, id: id) else {
            throw .data(
              "\(path): byte \(parser.position)",
              "expected each token once, with an id of 0...\(largest), found "
                + "\"\(String(decoding: token, as: UTF8.self))\" and \(id)")
          }
        }, wrap: wrap)
      do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    }
    return vocabulary
  }
}
