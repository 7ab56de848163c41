import Failures
import JSON

extension TokenizerJSON {
  /// What transformers converts a folder with `vocab.txt` to.
  ///
  /// Source: `BertConverter` and `MPNetConverter` in `convert_slow_tokenizer.py` of transformers
  /// 4.57. `never_split` is not carried over there, and so not here.
  ///
  /// - Throws: 78 for tokenizer classes that are not converted.
  init(vocabulary files: TokenizerFolder, _ tokenizerClass: TokenizerClass) throws(Failure) {
    let path = files.path("vocab.txt")
    guard let bytes = files.vocabulary, let converted = tokenizerClass.converted else {
      throw .config(
        files.folder,
        "tokenizer class \(tokenizerClass.name) without tokenizer.json is not supported",
        hint: "save it once with a recent transformers, which writes tokenizer.json")
    }
    let vocabulary = try Self.readLines(bytes, path)
    let specials = try SpecialTokens(files, tokenizerClass, serialized: [], padding: nil)
    model = .wordPiece(
      try WordPiece(
        vocabulary: vocabulary, unknownToken: specials.content("unk_token") ?? "[UNK]",
        continuationPrefix: "##", maximumScalarsPerWord: 100, place: path))
    // The class's overrides come later; these are the values before, which normalize added tokens.
    let config = files.config ?? .object([])
    normalizer = .bert(
      BertNormalizer(
        cleanText: true,
        handleChineseCharacters: config["tokenize_chinese_chars"]?.bool ?? true,
        stripAccents: config["strip_accents"]?.bool,
        lowercase: config["do_lower_case"]?.bool ?? true))
    preTokenizer = PreTokenizer(steps: [.bert])
    decoder = Decoder(steps: [.wordPiece(prefix: Array("##".utf8), cleanUp: true)])
    func id(_ name: String) throws(Failure) -> Int32 {
      guard let token = specials.content(name), let id = vocabulary.id(of: token) else {
        throw .config(path, "expected the vocabulary to have the \(name)")
      }
      return id
    }
    postProcessor = converted(try id("cls_token"), try id("sep_token"))
  }

  /// One token a line, the id being its number; of equal lines the last counts.
  ///
  /// Lines end as Python's do: LF, CR LF or CR.
  private static func readLines(_ bytes: [UInt8], _ path: String) throws(Failure) -> Vocabulary {
    var vocabulary = Vocabulary(expected: bytes.count / 7, bytes: bytes.count)
    let invalid = bytes.withUnsafeBytes { buffer -> Int? in
      if let bad = UTF8Validation.firstInvalid(buffer) { return bad }
      var start = 0
      var id = 0
      while start < buffer.count {
        var end = start
        while end < buffer.count, buffer[end] != 0x0A, buffer[end] != 0x0D { end += 1 }
        _ = vocabulary.add(UnsafeRawBufferPointer(rebasing: buffer[start..<end]), id: id)
        id += 1
        let isPair = end + 1 < buffer.count && buffer[end] == 0x0D && buffer[end + 1] == 0x0A
        start = end + (isPair ? 2 : 1)
      }
      return nil
    }
    if let invalid { throw .data("\(path): byte \(invalid)", "expected valid UTF-8") }
    return vocabulary
  }
}
