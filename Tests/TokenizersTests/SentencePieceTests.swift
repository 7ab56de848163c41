import Failures
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

/// Folders with a SentencePiece file alone, against transformers 4.57.
struct SentencePieceTests {
  private static let expected: JSON = {
    do { return try Fixtures.json("sentencepiece/expected.json") } catch { fatalError("\(error)") }
  }()

  private func load(_ file: String, _ bytes: [UInt8], _ files: JSON) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    if !file.isEmpty { try folder.write(file, bytes) }
    for member in files.members ?? [] {
      try folder.write(member.key, member.value.string ?? member.value.serialized())
    }
    return try Tokenizer.load(folder: folder.path)
  }

  /// CamemBERT, MBart, ALBERT and DeBERTa, and RoBERTa's two files: made by
  /// `scripts/golden/make_pieces.py`.
  @Test(arguments: 0..<12)
  func otherFolders(index: Int) throws {
    let expected = try Fixtures.json("sentencepiece/more.json")
    let texts = (expected["texts"]?.array ?? []).compactMap(\.string)
    let test = try #require(expected["cases"]?.array)[index]
    let name = test["name"]?.string ?? ""
    let model = test["model"]?.string ?? ""
    let tokenizer = try load(
      try #require(test["file"]?.string),
      model.isEmpty ? [] : Fixtures.bytes("sentencepiece/" + model), try #require(test["files"]))
    #expect(tokenizer.count == test["count"]?.integer, "\(name)")
    let rows = try #require(test["ids"]?.array)
    let decoded = try #require(test["decode"]?.array)
    try #require(texts.count > 30 && rows.count == texts.count)
    for (text, (row, decoded)) in zip(texts, zip(rows, decoded)) {
      let ids = try tokenizer.encode(text)
      #expect(ids.map { Int($0) } == row.array?.compactMap(\.integer), "\(name): \(text)")
      #expect(try tokenizer.decode(ids) == decoded.string, "\(name): \(text)")
    }
    let pair = try tokenizer.encoded(texts[0], pair: texts[1])
    #expect(pair.ids.map { Int($0) } == test["pair"]?.array?.compactMap(\.integer), "\(name)")
    if let types = test["types"]?.array {
      #expect(pair.typeIDs.map { Int($0) } == types.compactMap(\.integer), "\(name)")
    }
  }

  /// A language that is no token, a merge of three tokens, and a vocabulary without its ends.
  @Test func damagedFolders() throws {
    let cases = try #require(try Fixtures.json("sentencepiece/more.json")["cases"]?.array)
    func refusal(_ name: String, _ change: (inout [JSON.Member]) -> Void) throws -> Failure? {
      let test = try #require(cases.first { $0["name"]?.string == name })
      var files = test["files"]?.members ?? []
      change(&files)
      let model = test["model"]?.string ?? ""
      return #expect(throws: Failure.self) {
        try load(
          test["file"]?.string ?? "",
          model.isEmpty ? [] : try Fixtures.bytes("sentencepiece/" + model), .object(files))
      }
    }
    let language = try refusal("mbart_german") { files in
      files = [
        JSON.Member(
          "tokenizer_config.json", ["tokenizer_class": "MBartTokenizer", "src_lang": "xx_XX"])
      ]
    }
    #expect(language?.message == "src_lang: the tokenizer has no token xx_XX")
    let merge = try refusal("roberta") { files in
      files[1] = JSON.Member("merges.txt", .string("#version\na b\na b c\n"))
    }
    #expect(merge?.place?.hasSuffix("merges.txt:3") == true)
    #expect(merge?.message == "expected a merge of two tokens, found 3")
    let ends = try refusal("roberta") { files in
      files[0] = JSON.Member("vocab.json", .string(#"{"a": 0}"#))
      files[1] = JSON.Member("merges.txt", .string("#version\n"))
    }
    #expect(ends?.message == "expected the vocabulary to have the cls_token")
    #expect(ends?.status == .config)
    let twice = try refusal("roberta") { files in
      files[0] = JSON.Member("vocab.json", .string(#"{"a": 0, "a": 1}"#))
    }
    #expect(twice?.status == .data)
  }

  @Test(arguments: 0..<5)
  func folders(index: Int) throws {
    let texts = (Self.expected["texts"]?.array ?? []).compactMap(\.string)
    let test = try #require(Self.expected["cases"]?.array)[index]
    let model = try Fixtures.bytes("sentencepiece/" + (try #require(test["model"]?.string)))
    let tokenizer = try load(
      try #require(test["file"]?.string), model, try #require(test["files"]))
    #expect(tokenizer.count == test["count"]?.integer)
    let rows = try #require(test["ids"]?.array)
    let decoded = try #require(test["decode"]?.array)
    try #require(texts.count > 30 && rows.count == texts.count)
    for (text, (row, decoded)) in zip(texts, zip(rows, decoded)) {
      let ids = try tokenizer.encode(text)
      #expect(ids.map { Int($0) } == row.array?.compactMap(\.integer), "\(text)")
      #expect(try tokenizer.decode(ids) == decoded.string)
    }
    let pair = try tokenizer.encoded(texts[0], pair: texts[1])
    #expect(pair.ids.map { Int($0) } == test["pair"]?.array?.compactMap(\.integer))
  }

  /// A file that is cut anywhere is damaged.
  @Test func everyPrefixIsRefused() throws {
    let model = try Fixtures.bytes("sentencepiece/unigram.model")
    let files = try JSONParser.parse(#"{"config.json":{"model_type":"t5"}}"#)
    for count in stride(from: 0, to: model.count, by: 7) {
      do {
        _ = try load("spiece.model", Array(model.prefix(count)), files)
        Issue.record("no failure after \(count) bytes")
      } catch let failure as Failure {
        #expect(failure.status == .data)
      }
    }
  }

  /// Lengths beyond the file, and scores that are no numbers.
  @Test(
    arguments: [
      [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0x0A, 0x08, 0x0A, 0x01, 0x61, 0x15, 0x00, 0x00, 0xC0, 0x7F], [0x0B], [0x00],
      [0x0A, 0x03, 0x0A, 0x01, 0xFF],
    ] as [[UInt8]])
  func damage(bytes: [UInt8]) throws {
    do {
      _ = try load(
        "spiece.model", bytes, try JSONParser.parse(#"{"config.json":{"model_type":"t5"}}"#))
      Issue.record("no failure")
    } catch let failure as Failure {
      #expect(failure.status == .data)
    }
  }
}
