import Failures
import Foundation
import JSON
import Testing
import Tokenizers

/// Unigram models and the normalizers that come with them, on small tokenizers.
struct UnigramTests {
  /// A tokenizer with a vocabulary of `pieces` and scores as text.
  private func tokenizer(
    _ pieces: [(String, String)], unknown: String = "0", byteFallback: Bool = false,
    normalizer: String = "null", preTokenizer: String = "null"
  ) throws -> Tokenizer {
    let vocabulary = pieces.map { piece, score in
      "[\(JSON.string(piece).serialized()),\(score)]"
    }
    return try Checkpoint([
      "tokenizer.json": """
      {"version":"1.0","added_tokens":[],"normalizer":\(normalizer),
       "pre_tokenizer":\(preTokenizer),"post_processor":null,"decoder":null,
       "model":{"type":"Unigram","unk_id":\(unknown),"byte_fallback":\(byteFallback),
         "vocab":[\(vocabulary.joined(separator: ","))]}}
      """
    ]).load()
  }

  private static let bytePieces =
    [("<unk>", "0")]
    + (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return ("<0x" + (byte < 16 ? "0" : "") + digits + ">", "-1")
    }

  /// What a normalizer makes of a text: each byte is a piece.
  private func normalized(_ text: String, _ normalizer: String) throws -> String {
    let tokenizer = try tokenizer(Self.bytePieces, byteFallback: true, normalizer: normalizer)
    return String(decoding: try tokenizer.encode(text).map { UInt8($0 - 1) }, as: UTF8.self)
  }

  /// Values of tokenizers 0.22.2; U+32FF is of Unicode 12.1, which its tables do not know.
  @Test(arguments: [
    ("NFC", "\u{212B}\u{316}\u{301}", "\u{1FA}\u{316}"),
    ("NFC", "a\u{301}\u{316}\u{345}", "\u{E1}\u{316}\u{345}"),
    ("NFC", "\u{1112}\u{1161}\u{11AB}", "\u{D55C}"), ("NFC", "\u{958}", "\u{915}\u{93C}"),
    ("NFD", "\u{212B}\u{316}\u{301}", "A\u{316}\u{30A}\u{301}"),
    ("NFD", "a\u{301}\u{316}\u{345}", "a\u{316}\u{301}\u{345}"),
    ("NFKC", "\u{FB01}\u{BD}\u{32FF}", "fi1\u{2044}2\u{32FF}"),
    ("NFKC", "\u{1E9B}\u{323}", "\u{1E69}"), ("NFKD", "\u{1E9B}\u{323}", "s\u{323}\u{307}"),
    ("NFC", "\u{301}a", "\u{301}a"), ("Lowercase", "\u{3A3}\u{130}", "\u{3C3}i\u{307}"),
    ("StripAccents", "e\u{301}\u{93E}", "e"), ("Nmt", "a\u{1}\u{200B}\u{2581}b\u{8F}", "a  b"),
  ])
  func normalizers(kind: String, text: String, expected: String) throws {
    let found = try normalized(text, "{\"type\":\"\(kind)\"}")
    #expect(Array(found.utf8) == Array(expected.utf8))
  }

  /// Marks in the wrong order, as many as take the linear sort: by class, each class in order.
  @Test func manyMarks() throws {
    let marks = String(repeating: "\u{301}\u{316}\u{302}", count: 5000)
    let found = try normalized("a" + marks + "b", "{\"type\":\"NFD\"}")
    let above = String(repeating: "\u{301}\u{302}", count: 5000)
    let expected = "a" + String(repeating: "\u{316}", count: 5000) + above + "b"
    #expect(Array(found.utf8) == Array(expected.utf8))
  }

  /// serde_json reads the score of `ab` as the double above -9.527064173986698, which is as good as
  /// `b` after `a`; the way found first stays.
  @Test func scoresAreRoundedAsTheReferenceDoes() throws {
    let tokenizer = try tokenizer([
      ("<unk>", "0"), ("a", "0"), ("b", "-9.527064173986696"), ("ab", "-9.527064173986698136787"),
    ])
    #expect(try tokenizer.encode("ab") == [3])
  }

  @Test func unknownStringsAreOne() throws {
    let pieces = [("<unk>", "0"), ("a", "-1"), ("<0xC3>", "-2"), ("<0xA9>", "-2")]
    let plain = try tokenizer(pieces)
    #expect(try plain.encode("a\u{E9}\u{E9}zaz") == [1, 0, 1, 0])
    let fallback = try tokenizer(pieces, byteFallback: true)
    #expect(try fallback.encode("a\u{E9}\u{E9}a\u{E9}z") == [1, 2, 3, 2, 3, 1, 0])
  }

  @Test func withoutAnUnknownPieceATextCanFail() throws {
    let tokenizer = try tokenizer([("a", "-1"), ("ab", "-1")], unknown: "null")
    #expect(try tokenizer.encode("aab") == [0, 1])
    #expect(throws: Failure.self) { try tokenizer.encode("b") }
    #expect(try tokenizer.encode("ab") == [1])
  }

  /// The last entry of a string that is listed twice counts; the worst score is that of both.
  @Test func repeatedPieces() throws {
    let tokenizer = try tokenizer([("<unk>", "0"), ("a", "-5"), ("a", "-1"), ("aa", "-3")])
    #expect(try tokenizer.encode("aa") == [2, 2])
  }

  @Test func longWords() throws {
    let tokenizer = try tokenizer([("<unk>", "0"), ("a", "-3"), ("aaaa", "-4")])
    let ids = try tokenizer.encode(String(repeating: "a", count: 1_000_003))
    #expect(ids == [Int32](repeating: 2, count: 250_000) + [1, 1, 1] || ids.count == 250_003)
    #expect(ids.count { $0 == 1 } == 3)
  }

  /// A vocabulary of many pieces, of which each is found again, and what is none is not.
  @Test func manyPieces() throws {
    let digits = (0..<20_000).map { "x\($0 * 7919 % 1_000_003)" }
    let pieces = [("<unk>", "0")] + digits.map { ($0, "-1") }
    let tokenizer = try tokenizer(pieces)
    for index in stride(from: 0, to: digits.count, by: 97) {
      #expect(try tokenizer.encode(digits[index]) == [Int32(index + 1)])
    }
    #expect(try tokenizer.encode("y") == [0])
  }

  /// Values of tokenizers 0.22.2: pieces of U+2581 and what follows.
  @Test(arguments: [
    ("always", "true", "ab  c", [2, 3, 5]), ("never", "true", "ab  c", [1, 3, 5]),
    ("first", "true", "ab  c", [2, 3, 5]), ("always", "true", " ab", [2]),
    ("always", "false", "ab c", [6]), ("never", "true", " ", [3]),
  ])
  func metaspace(scheme: String, split: String, text: String, expected: [Int]) throws {
    let mark = "\u{2581}"
    let tokenizer = try tokenizer(
      [
        ("<unk>", "0"), ("ab", "-1"), (mark + "ab", "-1"), (mark, "-1"), ("c", "-1"),
        (mark + "c", "-1"), (mark + "ab" + mark + "c", "0"),
      ],
      preTokenizer: """
        {"type":"Metaspace","replacement":"\(mark)","prepend_scheme":"\(scheme)","split":\(split)}
        """)
    #expect(try tokenizer.encode(text).map { Int($0) } == expected)
  }

  @Test(arguments: [
    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA\"}",
    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}",
    "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////w==\"}",
  ])
  func damagedCharsmaps(normalizer: String) throws {
    do {
      _ = try tokenizer([("<unk>", "0")], normalizer: normalizer)
      Issue.record("no failure")
    } catch let failure as Failure {
      #expect(failure.status == .data)
    }
  }

  /// A rule for `a`, whose text is `é` or begins with the second byte of it, which is no text.
  @Test func charsmapInsideACharacter() throws {
    func normalizer(_ start: UInt32) -> String {
      var units = [UInt32](repeating: 0, count: 0x70)
      units[0x61] = 0x61 | 1 << 8 | 1 << 10
      units[0x60] = 1 << 31 | start
      var bytes: [UInt8] = []
      for unit in [UInt32(4 * units.count)] + units {
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(unit >> shift & 0xFF)) }
      }
      bytes += Array("é\0".utf8)
      return """
        {"type":"Precompiled","precompiled_charsmap":"\(Data(bytes).base64EncodedString())"}
        """
    }
    let vocabulary = [("<unk>", "0"), ("é", "-1"), ("a", "-1")]
    let tokenizer = try tokenizer(vocabulary, normalizer: normalizer(0))
    #expect(try tokenizer.encode("a") == [1])
    let failure = #expect(throws: Failure.self) {
      try self.tokenizer(vocabulary, normalizer: normalizer(1))
    }
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("inside a character, at byte 1") == true)
  }
}
