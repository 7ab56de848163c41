import Failures
import Foundation
import TestSupport
import Testing
import Tokenizers

/// Numbers, sizes and growth that no tokenizer has: each is refused, and none traps.
struct LimitTests {
  private func refusal(_ from: String, _ to: String) -> Failure? {
    failure {
      let json = Checkpoint.json(changing: (from, to))
      _ = try Checkpoint(["tokenizer.json": json]).load().encode("a ab the")
    }
  }

  @Test(arguments: [
    (#""max_input_chars_per_word":100"#, #""max_input_chars_per_word":-1"#),
    (#""max_input_chars_per_word":100"#, #""max_input_chars_per_word":9223372036854775808"#),
    (#""[PAD]":0"#, #""[PAD]":9223372036854775807"#), (#""[PAD]":0"#, #""[PAD]":-1"#),
    (#""[PAD]":0"#, #""[PAD]":16000000"#), (#""cls":["[CLS]",2]"#, #""cls":["[CLS]",-2]"#),
    (#""cls":["[CLS]",2]"#, #""cls":["[CLS]",1e300]"#),
    (#""id":0,"content""#, #""id":9223372036854775807,"content""#),
    (#""id":0,"content""#, #""id":-5,"content""#),
    (#"{"type":"BertPreTokenizer"}"#, #"{"type":"FixedLength","length":0}"#),
    (#"{"type":"BertPreTokenizer"}"#, #"{"type":"FixedLength","length":99999999999}"#),
    (
      ###"{"type":"WordPiece","prefix":"##","cleanup":true}"###,
      #"{"type":"Strip","content":"a","start":-1,"stop":0}"#
    ),
  ])
  func numbersHaveARange(_ from: String, _ to: String) {
    let failure = refusal(from, to)
    #expect(failure?.status == .data || failure?.status == .config)
  }

  @Test func sequencesHaveAnEnd() {
    let bert = #"{"type":"BertPreTokenizer"}"#
    func sequence(_ parts: [String]) -> String {
      #"{"type":"Sequence","pretokenizers":[\#(parts.joined(separator: ","))]}"#
    }
    #expect(refusal(bert, sequence(Array(repeating: bert, count: 100))) == nil)
    #expect(refusal(bert, sequence(Array(repeating: bert, count: 101)))?.status == .config)
    var deep = bert
    for _ in 0..<400 { deep = sequence([deep]) }
    #expect(refusal(bert, deep)?.status == .data)
  }

  /// Twelve steps that each put ten characters for one.
  private static let replacements = Array(
    repeating: #"{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaa"}"#, count: 12
  ).joined(separator: ",")

  @Test(arguments: ["String", "Regex"])
  func normalizersCannotGrowTextsWithoutEnd(_ kind: String) throws {
    let steps = Self.replacements.replacingOccurrences(of: "String", with: kind)
    let failure = refusal(
      #"{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"#,
      #"{"type":"Sequence","normalizers":[\#(steps)],"unread":true,"#)
    #expect(failure?.status == .data)
    #expect(failure?.message.contains("at most 65") == true)
  }

  @Test func preTokenizersCannotGrowTextsWithoutEnd() throws {
    let level = #"{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}"#
    let steps = Array(repeating: level, count: 60).joined(separator: ",")
    let json = Checkpoint.json(
      changing: (
        #"{"type":"BertPreTokenizer"}"#, #"{"type":"Sequence","pretokenizers":[\#(steps)]}"#
      ))
    let tokenizer = try Checkpoint(["tokenizer.json": json]).load()
    #expect(failure { _ = try tokenizer.encode("中") }?.status == .data)
    #expect(try tokenizer.encode("", addSpecialTokens: false) == [])
  }

  @Test func decodersCannotGrowTextsWithoutEnd() throws {
    let json = Checkpoint.json(
      changing: (
        ###"{"type":"WordPiece","prefix":"##","cleanup":true}"###,
        #"{"type":"Sequence","decoders":[\#(Self.replacements)]}"#
      ))
    let tokenizer = try Checkpoint(["tokenizer.json": json]).load()
    #expect(failure { _ = try tokenizer.decode([5]) }?.status == .data)
    #expect(try tokenizer.decode([6]) == "b")
  }

  @Test func lengthsAreNumbersFromOneOn() {
    for value in ["-1", "0", "\"many\""] {
      let failure = failure {
        _ = try Checkpoint([
          "tokenizer.json": Checkpoint.json(),
          "tokenizer_config.json": #"{"model_max_length":\#(value)}"#,
        ]).load()
      }
      #expect(failure?.status == .config, "\(value)")
    }
  }

  /// serde_json takes any exponent.
  @Test func scoresOfAnyExponent() throws {
    let json = Checkpoint.json(
      changing: (#""model":{"type":"WordPiece""#, #""unread":{"type":"WordPiece""#))
    for score in [
      "-1e9223372036854775807", "-1e-9223372036854775808", "-10000000000000000000000e99",
    ] {
      let model = #","model":{"type":"Unigram","unk_id":1,"vocab":[["a",\#(score)],["b",-1]]}}"#
      let checkpoint = try Checkpoint(["tokenizer.json": json.dropLast() + model])
      _ = failure { _ = try checkpoint.load().encode("ab") }
    }
  }
}
