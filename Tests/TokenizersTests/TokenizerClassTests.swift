import Failures
import TestSupport
import Testing
import Tokenizers

/// What the classes of transformers make of the same files.
///
/// Expected: each class of transformers 4.57
/// was given such a folder.
struct TokenizerClassTests {
  private func load(_ name: String, _ file: String, _ text: String) throws -> Tokenizer {
    try Checkpoint([
      file: text,
      "tokenizer_config.json": #"{"tokenizer_class":"\#(name)","do_lower_case":true}"#,
      "config.json": #"{"model_type":"bert"}"#,
    ]).load()
  }

  private func pieces(_ tokenizer: Tokenizer, _ text: String) throws -> [String] {
    try tokenizer.encode(text, addSpecialTokens: false).map { tokenizer.token(of: $0) ?? "?" }
  }

  @Test(arguments: [
    "PreTrainedTokenizerFast", "HerbertTokenizerFast", "AlbertTokenizer", "DebertaV2Tokenizer",
    "XLNetTokenizer", "RemBertTokenizerFast", "TokenizersBackend", "NewTokenizer",
  ])
  func tokenizerJSONIsTakenAsItIs(_ name: String) throws {
    let tokenizer = try load(name, "tokenizer.json", Checkpoint.json(lowercase: false))
    #expect(try pieces(tokenizer, "New café") == ["New", "café"])
  }

  @Test(arguments: [
    "BertTokenizer", "ConvBertTokenizer", "DPRReaderTokenizer", "FunnelTokenizer",
    "LayoutLMTokenizer", "RealmTokenizer", "RetriBertTokenizerFast", "SqueezeBertTokenizer",
  ])
  func caseIsTheClassesMatter(_ name: String) throws {
    let tokenizer = try load(name, "tokenizer.json", Checkpoint.json(lowercase: false))
    #expect(try pieces(tokenizer, "New") == ["new"])
  }

  private static let vocabulary = Checkpoint.tokens.joined(separator: "\n") + "\n"

  @Test(arguments: [
    "BertTokenizer", "ElectraTokenizerFast", "RealmTokenizer", "RetriBertTokenizer",
  ])
  func vocabulariesOfWordPiecesAreConverted(_ name: String) throws {
    let tokenizer = try load(name, "vocab.txt", Self.vocabulary)
    #expect(try pieces(tokenizer, "New ab") == ["new", "a", "##b"])
    #expect(try tokenizer.encode("a") == [2, 5, 3])
  }

  /// Whatever the model is, the class says how texts are cut.
  @Test(arguments: [
    "HerbertTokenizer", "PreTrainedTokenizerFast", "BertJapaneseTokenizer", "FunnelTokenizer",
    "SplinterTokenizer", "RoFormerTokenizer", "EsmTokenizer", "TapasTokenizer", "NewTokenizer",
  ])
  func otherVocabulariesAreRefusedByName(_ name: String) throws {
    let failure = failure { _ = try load(name, "vocab.txt", Self.vocabulary) }
    #expect(failure?.status == .config)
    let plain = name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    #expect(failure?.message.contains(plain) == true)
  }

  /// transformers would not read their tokenizer.json.
  @Test(arguments: ["BertJapaneseTokenizer", "ByT5Tokenizer", "CanineTokenizer", "TapasTokenizer"])
  func classesOfTheirOwnWayAreRefused(_ name: String) throws {
    let failure = failure { _ = try load(name, "tokenizer.json", Checkpoint.json()) }
    #expect(failure?.status == .config)
    #expect(failure?.message.contains(name) == true)
  }

  /// Llama's kin put the start of texts unless told otherwise, whatever the file puts.
  @Test func theStartOfTextsIsTheClassesMatter() throws {
    let added = [
      Checkpoint.token("<s>", id: 17, special: true),
      Checkpoint.token("</s>", id: 18, special: true),
      Checkpoint.token("<unk>", id: 19, special: true),
    ]
    func ids(_ more: String) throws -> [Int32] {
      try Checkpoint([
        "tokenizer.json": Checkpoint.json(added: added),
        "tokenizer_config.json": #"{"tokenizer_class":"LlamaTokenizer"\#(more)}"#,
      ]).load().encode("a")
    }
    #expect(try ids("") == [17, 5])
    #expect(try ids(#","add_eos_token":true"#) == [17, 5, 18])
    #expect(try ids(#","add_bos_token":false"#) == [5])
  }
}
