import Failures
import TestSupport
import Testing
import Tokenizers

/// What the fixtures do not show: settings, added tokens, limits, refusals.
struct TokenizerTests {
  private func pieces(_ tokenizer: Tokenizer, _ text: String) throws -> [String] {
    try tokenizer.encode(text, addSpecialTokens: false).map { tokenizer.token(of: $0) ?? "?" }
  }

  @Test func wordPieces() throws {
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json()]).load()
    #expect(try pieces(tokenizer, "a ab abc abd") == ["a", "a", "##b", "a", "##b", "##c", "[UNK]"])
    #expect(try pieces(tokenizer, "") == [])
    #expect(try pieces(tokenizer, " \t\n\u{3000}") == [])
    #expect(try pieces(tokenizer, "the!!a") == ["the", "!", "!", "a"])
    #expect(try pieces(tokenizer, "a\0b") == ["a", "##b"])
    #expect(try pieces(tokenizer, "CAF\u{C9} cafe\u{301}") == ["cafe", "cafe"])
  }

  @Test func wordsOverTheLimitAreUnknown() throws {
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json()]).load()
    let letters = { (count: Int) in "a" + String(repeating: "b", count: count - 1) }
    #expect(try pieces(tokenizer, letters(100)).count == 100)
    #expect(try pieces(tokenizer, letters(101)) == ["[UNK]"])
    let cased = try Checkpoint(["tokenizer.json": Checkpoint.json(lowercase: false)]).load()
    // The limit counts scalars, not bytes.
    let accents = { (count: Int) in String(repeating: "é", count: count) }
    let config = #"{"tokenizer_class":"BertTokenizer","do_lower_case":false}"#
    let kept = try Checkpoint([
      "tokenizer.json": Checkpoint.json(lowercase: false), "tokenizer_config.json": config,
    ]).load()
    #expect(try pieces(cased, accents(100)).count == 100)
    #expect(try pieces(kept, accents(101)) == ["[UNK]"])
  }

  @Test func theClassOverridesTheNormalizer() throws {
    let json = Checkpoint.json(lowercase: false)
    func load(_ config: String) throws -> Tokenizer {
      try Checkpoint(["tokenizer.json": json, "tokenizer_config.json": config]).load()
    }
    let generic = try load(#"{"tokenizer_class":"PreTrainedTokenizerFast"}"#)
    #expect(try pieces(generic, "New") == ["New"])
    // The class's default is to lower-case, whatever tokenizer.json says.
    let bert = try load(#"{"tokenizer_class":"BertTokenizer"}"#)
    #expect(try pieces(bert, "New café") == ["new", "cafe"])
    let accents = try load(
      #"{"tokenizer_class":"BertTokenizerFast","do_lower_case":true,"strip_accents":false}"#)
    #expect(try pieces(accents, "New café") == ["new", "café"])
    // A class of the toolkit takes the backbone's from config.json.
    let backbone = try Checkpoint([
      "tokenizer.json": json, "tokenizer_config.json": #"{"tokenizer_class":"ColTokenizer"}"#,
      "config.json": #"{"model_type":"col","backbone_model_type":"distilbert"}"#,
    ]).load()
    #expect(backbone.className == "DistilBertTokenizer")
    #expect(try pieces(backbone, "New") == ["new"])
  }

  @Test func addedTokens() throws {
    let added = [
      Checkpoint.token("<x>", id: 17, left: true, right: true),
      Checkpoint.token("Word", id: 18, normalized: true, single: true),
      Checkpoint.token("<xy>", id: 19),
    ]
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json(added: added)]).load()
    #expect(tokenizer.count == 20)
    #expect(tokenizer.largestID == 19)
    #expect(try pieces(tokenizer, "a  <x>  b<xy>") == ["a", "<x>", "b", "<xy>"])
    #expect(try pieces(tokenizer, "a WORD b swords") == ["a", "Word", "b", "[UNK]"])
    #expect(
      try pieces(tokenizer, "[SEP][sep]a[MASK]") == [
        "[SEP]", "[UNK]", "[UNK]", "[UNK]", "a", "[MASK]",
      ])
    #expect(tokenizer.id(of: "<xy>") == 19)
    #expect(try tokenizer.decode([5, 17, 3], skipSpecialTokens: true) == "a <x>")
  }

  @Test func specialTokensThatAreMissingGetNewIDs() throws {
    let config = """
      {"tokenizer_class":"BertTokenizer","additional_special_tokens":["[Q]","[D]"],
       "model_max_length":1000000000000000019884624838656}
      """
    let tokenizer = try Checkpoint([
      "vocab.txt": "[PAD]\r\n[UNK]\n[CLS]\r[SEP]\na\na\n", "tokenizer_config.json": config,
    ]).load()
    #expect(tokenizer.maskID == 5)
    #expect(tokenizer.id(of: "[Q]") == 6)
    #expect(tokenizer.id(of: "[D]") == 7)
    // Of equal lines the last counts; the next id is the number of tokens.
    #expect(tokenizer.id(of: "a") == 5)
    #expect(tokenizer.modelMaxLength == nil)
  }

  @Test func lookups() throws {
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json()]).load()
    for (id, token) in Checkpoint.tokens.enumerated() {
      #expect(tokenizer.id(of: token) == Int32(id))
      #expect(tokenizer.token(of: Int32(id)) == token)
    }
    #expect(tokenizer.id(of: "nothing") == nil)
    #expect(tokenizer.id(of: "") == nil)
    #expect(tokenizer.token(of: -1) == nil)
    #expect(tokenizer.token(of: 99) == nil)
    #expect(tokenizer.isSpecial(4))
    #expect(!tokenizer.isSpecial(5))
    #expect(try tokenizer.decode([5, 99, 7]) == "ab")
  }

  @Test func buffersAreAppendedTo() throws {
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json()]).load()
    var buffer = TokenBuffer()
    var scratch = TokenizerScratch()
    for text in ["a", "b b"] {
      _ = try Array(text.utf8).withUnsafeBytes {
        try tokenizer.encode($0, into: &buffer, scratch: &scratch)
      }
    }
    #expect(buffer.ids == [2, 5, 3, 2, 6, 6, 3])
    #expect(buffer.specialTokensMask == [1, 0, 1, 1, 0, 0, 1])
    buffer.removeAll()
    #expect(buffer.count == 0)
  }

  /// transformers: True is the default of the slow classes, False that of the fast ones.
  @Test func convertedFoldersCleanUp() throws {
    let files = [
      "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n'\nb\n",
      "tokenizer_config.json": #"{"tokenizer_class":"DistilBertTokenizer"}"#,
    ]
    #expect(try Checkpoint(files).load().decode([5, 6, 7]) == "a'b")
    #expect(try Checkpoint(files).load().decode([5, 6, 7], cleanUp: false) == "a ' b")
  }

  /// A `vocab.txt`, and the `tokenizer.json` that it is converted to, give one tokenizer.
  @Test func whatIsConvertedIsTheSame() throws {
    let vocabulary = Checkpoint.tokens.joined(separator: "\n") + "\n"
    for config in [
      #"{"tokenizer_class":"BertTokenizer"}"#,
      #"{"tokenizer_class":"BertTokenizer","do_lower_case":false,"strip_accents":true}"#,
      #"{"tokenizer_class":"BertTokenizer","additional_special_tokens":["[Q]","b"]}"#,
      #"{"tokenizer_class":"MPNetTokenizer","cls_token":"[CLS]","sep_token":"[SEP]","#
        + #""bos_token":"[CLS]","eos_token":"[SEP]"}"#,
    ] {
      let first = try Checkpoint(["vocab.txt": vocabulary, "tokenizer_config.json": config]).load()
      let json = try #require(first.converted).serialized()
      let second = try Checkpoint(["tokenizer.json": json, "tokenizer_config.json": config]).load()
      #expect(second.converted == nil)
      #expect(first.count == second.count && first.largestID == second.largestID)
      for text in ["The café, a bb!", "[Q] new New é [MASK]b", "abc 北a  b"] {
        #expect(try first.encoded(text).ids == second.encoded(text).ids, "\(config): \(text)")
        let (a, b) = try (first.encoded(text, pair: "a b"), second.encoded(text, pair: "a b"))
        #expect(a.ids == b.ids && a.typeIDs == b.typeIDs, "\(config): \(text)")
        #expect(try first.decode(a.ids, cleanUp: true) == second.decode(a.ids, cleanUp: true))
      }
    }
  }

  @Test func limits() throws {
    let tokenizer = try Checkpoint(["tokenizer.json": Checkpoint.json()]).load()
    #expect(try tokenizer.encoded("a a a", maxLength: 2).ids == [2, 3])
    #expect(try tokenizer.encoded("a a a", maxLength: 2).counts.removed == 3)
    #expect(throws: Failure.self) { try tokenizer.encoded("a", maxLength: 1) }
    #expect(try tokenizer.encoded("a a", addSpecialTokens: false, maxLength: 1).ids == [5])
    #expect(throws: Failure.self) {
      try tokenizer.encoded("a a a a", pair: "b", maxLength: 5, truncation: .onlySecond)
    }
    let pair = try tokenizer.encoded("a a a a", pair: "b b b b b", maxLength: 8)
    #expect(pair.ids == [2, 5, 5, 3, 6, 6, 6, 3])
    #expect(pair.typeIDs == [0, 0, 0, 0, 1, 1, 1, 1])
    #expect(pair.counts == EncodedCounts(tokens: 8, removed: 4))
  }
}

/// What is refused, and how.
struct TokenizerRefusalTests {
  private func failure(_ files: [String: String]) throws -> Failure? {
    let checkpoint = try Checkpoint(files)
    do {
      _ = try checkpoint.load()
      return nil
    } catch {
      return error as? Failure
    }
  }

  @Test(arguments: [
    ("\"BertNormalizer\"", "\"Reverse\""), ("\"BertPreTokenizer\"", "\"Letters\""),
    ("\"BertProcessing\"", "\"Sandwich\""),
    ("\"type\":\"WordPiece\",\"prefix\"", "\"type\":\"Glue\",\"prefix\""),
    ("\"type\":\"WordPiece\",\"unk_token\"", "\"type\":\"Syllables\",\"unk_token\""),
  ])
  func unknownComponents(from: String, to: String) throws {
    let failure = try #require(
      try failure(["tokenizer.json": Checkpoint.json(changing: (from, to))]))
    #expect(failure.status == .config)
    let name = to.split(separator: "\"").last { $0 != "prefix" && $0 != "unk_token" && $0 != "," }
    #expect(failure.message.contains(try #require(name)))
  }

  @Test(arguments: [
    ("\"vocab\":{", "\"vocab\":{\"a\":77,"), ("\"[PAD]\":0", "\"[PAD]\":-1"),
    ("\"[PAD]\":0", "\"[PAD]\":0.5"), ("\"[PAD]\":0", "\"[PAD]\":99999999"),
    ("\"max_input_chars_per_word\":100,", ""), ("\"vocab\":{", "\"vocab\":["),
    ("\"lowercase\":true", "\"lowercase\":1"), ("[\"[SEP]\",3]", "[\"[SEP]\"]"),
  ])
  func damagedFiles(from: String, to: String) throws {
    let failure = try failure(["tokenizer.json": Checkpoint.json(changing: (from, to))])
    #expect(failure?.status == .data)
  }

  @Test func everyPrefixOfTheFileIsRefused() throws {
    let text = Checkpoint.json()
    for length in stride(from: 0, to: text.utf8.count, by: 7) {
      let prefix = String(decoding: text.utf8.prefix(length), as: UTF8.self)
      #expect(try failure(["tokenizer.json": prefix])?.status == .data)
    }
  }

  @Test func missingPieces() throws {
    #expect(try failure([:])?.status == .noInput)
    #expect(try failure(["tokenizer_config.json": "{}"])?.status == .noInput)
    #expect(throws: Failure.self) { try Tokenizer.load(folder: "/nowhere") }
    #expect(try failure(["vocab.txt": "[UNK]\n"])?.status == .config)
    let config = #"{"tokenizer_class":"BertTokenizer"}"#
    #expect(
      try failure(["vocab.txt": "[UNK]\n", "tokenizer_config.json": config])?.status == .config)
    #expect(
      try failure(["tokenizer.json": Checkpoint.json(changing: ("\"[UNK]\":1", "\"[UNX]\":1"))])?
        .status
        == .config)
  }
}
