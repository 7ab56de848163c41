import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

/// Compares with what `scripts/reference/fuzz_tokenizers.py` made; skipped without its files.
///
/// `LIR_FUZZ_TOKENIZER` is a checkpoint's folder, `LIR_FUZZ_STRINGS` a file of lines
/// `{"text": …}` with, as options, `pair`, `special`, `max` and `truncation`, and
/// `LIR_FUZZ_EXPECTED` one of lines `{"ids": …}` with, as options, `types`, `mask`, `decode` and
/// `skip`, or `{"error": true}`.
struct FuzzTests {
  private static let environment = ProcessInfo.processInfo.environment

  @Test(
    .enabled(
      if: environment["LIR_FUZZ_STRINGS"] != nil,
      "needs LIR_FUZZ_STRINGS: run scripts/reference/fuzz_tokenizers.py"))
  func strings() throws {
    let tokenizer = try Tokenizer.load(folder: try #require(Self.environment["LIR_FUZZ_TOKENIZER"]))
    let inputs = try Self.lines("LIR_FUZZ_STRINGS")
    let expected = try Self.lines("LIR_FUZZ_EXPECTED")
    try #require(inputs.count == expected.count)
    var buffer = TokenBuffer()
    var scratch = TokenizerScratch()
    var differences = 0
    for (input, output) in zip(inputs, expected) {
      let (input, output) = (
        try JSONParser.parse(Array(input)), try JSONParser.parse(Array(output))
      )
      let difference = try Self.difference(tokenizer, input, output, &buffer, &scratch)
      guard let difference else { continue }
      differences += 1
      if differences <= 5 {
        Issue.record("\(input.serialized()): \(difference), expected \(output.serialized())")
      }
    }
    #expect(differences == 0)
    print("fuzz: \(inputs.count) strings, \(differences) differences")
  }

  /// What differs, nil if nothing does.
  private static func difference(
    _ tokenizer: Tokenizer, _ input: JSON, _ output: JSON, _ buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws -> String? {
    buffer.removeAll()
    do {
      try encode(tokenizer, input, &buffer, &scratch)
    } catch {
      return output["error"]?.bool == true ? nil : "\(error)"
    }
    if output["error"]?.bool == true { return "no error" }
    if buffer.ids.map({ Int($0) }) != output["ids"]?.array?.map(\.integer) {
      return "ids \(buffer.ids)"
    }
    if let types = output["types"], buffer.typeIDs.map({ Int($0) }) != types.array?.map(\.integer) {
      return "types \(buffer.typeIDs)"
    }
    if let mask = output["mask"]?.array,
      buffer.specialTokensMask.map({ Int($0) }) != mask.map(\.integer)
    {
      return "mask \(buffer.specialTokensMask)"
    }
    for (key, skip) in [("decode", false), ("skip", true)] {
      guard let text = output[key]?.string else { continue }
      let decoded = try tokenizer.decode(buffer.ids, skipSpecialTokens: skip)
      if !decoded.utf8.elementsEqual(text.utf8) { return "\(key) \(decoded)" }
    }
    return nil
  }

  private static func encode(
    _ tokenizer: Tokenizer, _ input: JSON, _ buffer: inout TokenBuffer,
    _ scratch: inout TokenizerScratch
  ) throws {
    let special = input["special"]?.bool ?? true
    let maximum = input["max"]?.integer
    let text = Array(try #require(input["text"]?.string).utf8)
    try text.withUnsafeBytes { text in
      guard let pair = input["pair"]?.string else {
        _ = try tokenizer.encode(
          text, addSpecialTokens: special, maxLength: maximum, into: &buffer, scratch: &scratch)
        return
      }
      let truncation = TruncationStrategy(rawValue: input["truncation"]?.string ?? "longest_first")
      try Array(pair.utf8).withUnsafeBytes { pair in
        _ = try tokenizer.encode(
          text, pair: pair, addSpecialTokens: special, maxLength: maximum,
          truncation: truncation ?? .longestFirst, into: &buffer, scratch: &scratch)
      }
    }
  }

  private static func lines(_ variable: String) throws -> [ArraySlice<UInt8>] {
    let path = try #require(environment[variable])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return bytes.split(separator: 0x0A)
  }
}
