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
    try folder.write(file, bytes)
    for member in files.members ?? [] {
      try folder.write(member.key, member.value.serialized())
    }
    return try Tokenizer.load(folder: folder.path)
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
