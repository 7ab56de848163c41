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

  /// The class has segments, or `model_input_names` say it.
  @Test(arguments: [
    ("BertTokenizer", true), ("ElectraTokenizerFast", true), ("DistilBertTokenizer", false),
    ("DistilBertTokenizerFast", false), ("MobileBertTokenizer", true),
    ("DPRReaderTokenizer", false),
    ("DPRQuestionEncoderTokenizerFast", true), ("RetriBertTokenizer", false),
    ("RealmTokenizer", true), ("MPNetTokenizer", false), ("RobertaTokenizerFast", false),
    ("XLMRobertaTokenizer", false), ("T5TokenizerFast", false), ("BartTokenizer", false),
    ("DebertaTokenizer", true), ("DebertaV2TokenizerFast", true), ("AlbertTokenizer", true),
    ("CamembertTokenizerFast", false), ("HerbertTokenizer", true), ("BigBirdTokenizer", false),
    ("FNetTokenizer", true), ("XLNetTokenizer", true), ("PreTrainedTokenizerFast", true),
    ("ModernBertTokenizer", false), ("TokenizersBackend", false), ("Qwen2TokenizerFast", false),
  ])
  func segments(_ name: String, _ hasSegments: Bool) throws {
    func given(_ names: String) throws -> Bool {
      try Checkpoint([
        "tokenizer.json": Checkpoint.json(), "config.json": #"{"model_type":"bert"}"#,
        "tokenizer_config.json": #"{"tokenizer_class":"\#(name)"\#(names)}"#,
      ]).load().givesTypeIDs
    }
    #expect(try given("") == hasSegments)
    #expect(try !given(#","model_input_names":["input_ids","attention_mask"]"#))
    #expect(try given(#","model_input_names":["input_ids","token_type_ids"]"#))
    #expect(failure { _ = try given(#","model_input_names":"input_ids""#) }?.status == .config)
    // Expected: release 5.24, which writes its backend into folders. Its DeBERTa makes pairs of its own.
    if name.hasPrefix("Deberta") { return }
    let general = ["Albert", "Herbert", "XLNet", "Realm", "PreTrained"]
    let hasThere = hasSegments && !general.contains { name.hasPrefix($0) }
    #expect(try given(#","backend":"tokenizers""#) == hasThere)
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

  /// A folder of transformers 5, as `LlamaTokenizer(legacy=True, add_eos_token=True)` saves it: its class builds
  /// the pre-tokenizer anew, without `legacy`, and leaves the post-processor to the file.
  ///
  /// Expected: AutoTokenizer of transformers 5.24.
  @Test(
    arguments: [
      ("a b", [6, 3, 5, 2]), ("<new>a", [7, 4, 2]), (" <new> a", [3, 7, 6, 2]),
      ("b<new> b", [3, 5, 7, 3, 5, 2]),
    ] as [(String, [Int32])])
  func classesOfRelease5BuildAnew(text: String, ids: [Int32]) throws {
    let tokenizer = try Checkpoint([
      "tokenizer.json": Self.llama,
      "tokenizer_config.json":
        #"{"backend":"tokenizers","tokenizer_class":"LlamaTokenizer","add_prefix_space":null,"#
        + #""bos_token":"<s>","eos_token":"</s>","unk_token":"<unk>"}"#,
      "config.json": #"{"model_type":"llama"}"#,
    ]).load()
    #expect(try tokenizer.encode(text) == ids)
  }

  private static let llama = #"""
    {"version":"1.0","added_tokens":[
      {"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
      {"id":1,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
      {"id":2,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
      {"id":7,"content":"<new>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false}],
     "normalizer":null,
     "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":false},
     "post_processor":{"type":"TemplateProcessing",
      "single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
      "pair":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}},
       {"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"</s>","type_id":1}}],
      "special_tokens":{"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}},
     "decoder":null,
     "model":{"type":"BPE","dropout":null,"unk_token":null,"fuse_unk":true,"byte_fallback":true,
      "vocab":{"<unk>":0,"<s>":1,"</s>":2,"▁":3,"a":4,"b":5,"▁a":6},"merges":[["▁","a"]]}}
    """#
}
