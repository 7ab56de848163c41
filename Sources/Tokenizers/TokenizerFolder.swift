import Failures
import JSON
import Streams

/// The files of a checkpoint that say how texts become tokens.
struct TokenizerFolder {
  let folder: String
  /// Paths of the files read, in a fixed order.
  private(set) var files: [String] = []
  /// Bytes of `tokenizer.json`.
  private(set) var tokenizer: [UInt8]?
  /// Bytes of `vocab.txt`, read only where there is no `tokenizer.json`.
  private(set) var vocabulary: [UInt8]?
  /// Bytes of a SentencePiece file, read only where there is neither.
  private(set) var sentencePiece: [UInt8]?
  /// Bytes of `vocab.json` and `merges.txt`, read only where there is none of the others.
  private(set) var pairs: (vocabulary: [UInt8], merges: [UInt8])?
  private(set) var config: JSON?
  private(set) var specialTokensMap: JSON?
  private(set) var addedTokens: JSON?
  private(set) var model: JSON?
  /// Whether texts are in lower case before the tokenizer's own normalizer sees them.
  private(set) var lowersCase = false

  /// Whether transformers 5 saved the folder, whose classes build parts of `tokenizer.json` anew.
  var isOfRelease5: Bool { config?["backend"]?.string == "tokenizers" }

  /// Reads what there is.
  ///
  /// - Throws: 66 where none of them exists, 65 for malformed JSON.
  init(_ folder: String) throws(Failure) {
    self.folder = folder
    guard WholeFile.isDirectory(folder) else {
      throw Failure(
        .noInput, at: folder, "expected a folder with a tokenizer",
        hint: WholeFile.exists(folder) ? nil : HubName.hint(folder))
    }
    tokenizer = try read("tokenizer.json")
    if tokenizer == nil { vocabulary = try read("vocab.txt") }
    for name in SentencePieceLayout.fileNames
    where tokenizer == nil && vocabulary == nil && sentencePiece == nil {
      sentencePiece = try read(name)
    }
    let hasOther = tokenizer != nil || vocabulary != nil || sentencePiece != nil
    if !hasOther, let words = try read("vocab.json"), let merges = try read("merges.txt") {
      pairs = (words, merges)
    }
    guard hasOther || pairs != nil else {
      throw Failure(
        .noInput, at: folder,
        "expected tokenizer.json, vocab.txt, "
          + SentencePieceLayout.fileNames.joined(separator: ", ")
          + ", or vocab.json and merges.txt, found none",
        hint: "tokenizers in other forms are not supported")
    }
    config = try json("tokenizer_config.json")
    // transformers looks at these only where the configuration does not list the added tokens.
    if config?["added_tokens_decoder"] == nil {
      specialTokensMap = try json("special_tokens_map.json")
      addedTokens = try json("added_tokens.json")
    }
    let name = config?["tokenizer_class"]?.string
    if TokenizerClass(configured: name, model: nil).override == .none {
      model = try json("config.json")
    }
    // Where it changes nothing it is no part of the tokenizer.
    if let file = try ModuleFiles.lowerCase(in: folder) {
      files.append(file)
      lowersCase = true
    }
  }

  func path(_ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  private mutating func read(_ name: String) throws(Failure) -> [UInt8]? {
    let path = path(name)
    guard WholeFile.exists(path) else { return nil }
    let bytes = try WholeFile.read(path)
    files.append(path)
    return bytes
  }

  private mutating func json(_ name: String) throws(Failure) -> JSON? {
    guard let bytes = try read(name) else { return nil }
    do throws(JSONError) { return try JSONParser.parse(ByteOrderMark.removed(from: bytes)) } catch {
      throw .data(path(name), error.description)
    }
  }
}
