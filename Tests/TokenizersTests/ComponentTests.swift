import Failures
import JSON
import TestSupport
import Testing
import Tokenizers

/// Components in combinations that no checkpoint has, against tokenizers 0.22.2 (see
/// `scripts/golden/make_components.py`).
struct ComponentTests {
  private static let cases = values("components/cases.json")
  private static let splits = values("components/splits.json")

  private static func values(_ name: String) -> [JSON] {
    do { return try Fixtures.json(name).array ?? [] } catch { fatalError("\(error)") }
  }

  /// BPE (byte-level, with byte fallback, with prefixes and suffixes), WordLevel and WordPiece, with
  /// random normalizers, pre-tokenizers, post-processors, decoders and added tokens.
  @Test func drawnTokenizers() throws {
    try #require(Self.cases.count == 60)
    for test in Self.cases {
      let name = test["name"]?.string ?? ""
      let tokenizer = try Checkpoint([
        "tokenizer.json": try #require(test["tokenizer"]).serialized(),
        "tokenizer_config.json": try #require(test["config"]).serialized(),
      ]).load()
      let texts = (test["texts"]?.array ?? []).compactMap(\.string)
      let records = test["records"]?.array ?? []
      try #require(texts.count == 20 && records.count == 20)
      for (text, record) in zip(texts, records) {
        let ids = try tokenizer.encode(text)
        #expect(ids.map { Int($0) } == record["ids"]?.array?.map(\.integer), "\(name): \(text)")
        for (key, skips) in [("decode", false), ("skip", true)] {
          let decoded = try tokenizer.decodeBytes(ids, skipSpecialTokens: skips)
          let expected = try #require(record[key]?.string)
          #expect(decoded == Array(expected.utf8), "\(name): \(key) \(text)")
        }
      }
    }
  }

  /// Pre-tokenizers by themselves, `Split` with many patterns among them: each word is a token.
  @Test func splits() throws {
    let texts = (try Fixtures.json("components/cases.json").array?[0]["texts"]?.array ?? [])
      .compactMap(\.string)
    try #require(Self.splits.count == 150)
    for test in Self.splits {
      let component = try #require(test["component"])
      let rows = (test["words"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
      let words = Set(rows.joined().map { Array($0.utf8) }).sorted {
        $0.lexicographicallyPrecedes($1)
      }
      let members = words.enumerated().map { index, word in
        JSON.Member(String(decoding: word, as: UTF8.self), .integer(index + 1))
      }
      let tokenizer = try load(
        preTokenizer: component.serialized(),
        model: [
          "type": "WordLevel", "unk_token": "?",
          "vocab": .object([JSON.Member("?", 0)] + members.filter { $0.key != "?" }),
        ])
      for (text, row) in zip(texts, rows) {
        let found = try tokenizer.encode(text).map { tokenizer.token(of: $0) ?? "" }
        #expect(
          found.map { Array($0.utf8) } == row.map { Array($0.utf8) },
          "\(component.serialized()): \(text)")
      }
    }
  }

  private func load(
    normalizer: String = "null", preTokenizer: String = "null", decoder: String = "null",
    postProcessor: String = "null", model: JSON = ComponentTests.bpe
  ) throws -> Tokenizer {
    try Checkpoint([
      "tokenizer.json": """
      {"version":"1.0","added_tokens":[],"normalizer":\(normalizer),
       "pre_tokenizer":\(preTokenizer),"post_processor":\(postProcessor),"decoder":\(decoder),
       "model":\(model.serialized())}
      """
    ]).load()
  }

  private static let bpe: JSON = [
    "type": "BPE", "vocab": ["a": 0, "b": 1, "ab": 2, "aab": 3, "abab": 4],
    "merges": ["a b", "a ab", "ab ab"],
  ]

  private func changed(_ key: String, _ value: JSON) -> JSON {
    .object((Self.bpe.members ?? []).filter { $0.key != key } + [JSON.Member(key, value)])
  }

  private func failure(_ load: () throws -> Tokenizer) -> Failure? {
    do {
      _ = try load()
      return nil
    } catch { return error as? Failure }
  }

  /// By the definition: the merge that comes first in the list, where it comes first in the word.
  @Test func merges() throws {
    let tokenizer = try load()
    #expect(try tokenizer.encode("abab") == [4])
    #expect(try tokenizer.encode("aabab") == [3, 2])
    #expect(try tokenizer.encode("baab") == [1, 3])
    #expect(try tokenizer.encode("xax") == [0])
  }

  /// Long words take another way; `ab ab ab …` merges in pairs from the left.
  @Test func longWords() throws {
    let tokenizer = try load()
    for count in [1, 23, 24, 25, 101, 50_001] {
      let ids = try tokenizer.encode(String(repeating: "ab", count: count))
      let expected =
        Array(repeating: Int32(4), count: count / 2) + Array(repeating: 2, count: count % 2)
      #expect(ids == expected)
    }
  }

  @Test(arguments: [
    (#"(a)\2"#, "backref"), (#"\p{Klingon}"#, "{Klingon}"), ("[[:alfa:]]", "POSIX"),
    (#"\X"#, #"\X"#), ("(a", "parenthesis"), ("a)", "parenthesis"), ("*a", "repeat"),
    ("[b-a]", "range"), ("a{200000}", "repeat range"), ("(*FAIL)", "repeat"),
  ])
  func patternsThatAreRefused(pattern: String, name: String) throws {
    let component: JSON = [
      "type": "Split", "behavior": "Isolated", "invert": false,
      "pattern": ["Regex": .string(pattern)],
    ]
    let failure = try #require(failure { try load(preTokenizer: component.serialized()) })
    #expect(failure.status == .config)
    #expect(failure.message.contains(name), "\(failure.message)")
  }

  @Test(arguments: [
    (#"{"type":"CTC","pad_token":"x","word_delimiter_token":"|","cleanup":true}"#, "CTC"),
    (#"{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Glue"}]}"#, "Glue"),
  ])
  func decodersThatAreRefused(decoder: String, name: String) throws {
    let failure = try #require(failure { try load(decoder: decoder) })
    #expect(failure.status == .config)
    #expect(failure.message.contains(name))
  }

  @Test func scriptsAreRefused() throws {
    let failure = try #require(failure { try load(preTokenizer: #"{"type":"UnicodeScripts"}"#) })
    #expect(failure.status == .config && failure.message.contains("UnicodeScripts"))
  }

  @Test func dropout() throws {
    let failure = try #require(failure { try load(model: changed("dropout", .double(0.1))) })
    #expect(failure.status == .config && failure.message.contains("dropout"))
    #expect(try load(model: changed("dropout", .double(0))).encode("ab") == [2])
  }

  @Test(
    arguments: [
      ["a b c"], ["ab"], ["a x"], ["b a"], [["a", "b", "a"]], [["a"]], [1], "a b",
    ] as [JSON])
  func damagedMerges(merges: JSON) throws {
    let failure = try #require(failure { try load(model: changed("merges", merges)) })
    #expect(failure.status == .data)
  }

  /// The first unknown character is the text's fault, not the folder's.
  @Test func unknownWithoutItsToken() throws {
    let tokenizer = try load(model: changed("unk_token", "<unk>"))
    #expect(try tokenizer.encode("ab") == [2])
    do {
      _ = try tokenizer.encode("x")
      Issue.record("no failure")
    } catch { #expect(error.status == .data) }
    #expect(try tokenizer.encode("ab") == [2])
  }

  /// A pattern whose ways grow with the power of the text ends with an error.
  @Test func patternsThatTakeTooLong() throws {
    let component =
      #"{"type":"Split","behavior":"Isolated","invert":false,"pattern":{"Regex":"(a|aa)+$"}}"#
    let tokenizer = try load(preTokenizer: component)
    #expect(try tokenizer.encode("aab") == [3])
    do {
      _ = try tokenizer.encode(String(repeating: "a", count: 60) + "b")
      Issue.record("no failure")
    } catch { #expect(error.status == .data) }
  }
}
