import Failures
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

/// Regular expressions, compared with Hugging Face `tokenizers`.
struct RegexTests {
  /// Cuts a text as `Split` does with `isolated`; nil where the search is given up.
  private static func words(
    _ splitter: PatternSplitter, _ text: String, _ matcher: RegexMatcher = RegexMatcher()
  ) -> [String]? {
    let bytes = Array(text.utf8)
    var words: [String] = []
    bytes.withUnsafeBufferPointer { bytes in
      splitter.split(bytes.baseAddress.unsafelyUnwrapped, bytes.count, matcher) { word, count in
        words.append(
          String(decoding: UnsafeBufferPointer(start: word, count: count), as: UTF8.self))
      }
    }
    return matcher.refusal == nil ? words : nil
  }

  /// Compares the lines that `scripts/reference/fuzz_regexes.py` wrote.
  private static func compare(_ path: String) throws -> Int {
    let lines = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))).split(separator: 0x0A)
    for line in lines {
      let known = try JSONParser.parse(Array(line))
      let pattern = try #require(known["pattern"]?.string)
      let splitter = try? PatternSplitter(pattern, isLiteral: false, .isolated, isInverted: false)
      guard let texts = known["texts"]?.array else {
        #expect(splitter == nil, "pattern \(pattern) is accepted")
        continue
      }
      guard let splitter else {
        Issue.record("pattern \(pattern) is refused")
        continue
      }
      for text in texts {
        let parts = try #require(text.array)
        let expected = parts[1].array?.map { $0.string ?? "" }
        let input = parts[0].string ?? ""
        #expect(words(splitter, input) == expected, "pattern \(pattern), text \(input)")
      }
    }
    return lines.count
  }

  @Test func corpus() throws {
    #expect(try Self.compare(fixture("regexes.jsonl")) == 300)
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["LIR_FUZZ_REGEXES"] != nil,
      "needs LIR_FUZZ_REGEXES: run scripts/reference/fuzz_regexes.py"))
  func drawn() throws {
    _ = try Self.compare(try #require(ProcessInfo.processInfo.environment["LIR_FUZZ_REGEXES"]))
  }

  private static func reason(_ pattern: String) -> String? {
    do throws(RegexError) {
      _ = try Tokenizers.Regex(pattern)
      return nil
    } catch { return error.reason }
  }

  /// Patterns that are none, or too deep, say so and do not trap.
  @Test func badPatternsAreRefused() {
    #expect(Self.reason(#"\X"#) == #"the text segments of \X are not supported"#)
    #expect(Self.reason("[[:lettre:]]")?.contains("POSIX bracket") == true)
    #expect(Self.reason(#"\p{Klingon}"#)?.contains("property name") == true)
    #expect(Self.reason("a" + String(repeating: "*+?", count: 20_000)) != nil)
    #expect(Self.reason(String(repeating: "(", count: 30_000)) != nil)
    #expect(Self.reason(String(repeating: "(?:", count: 10_000) + "a") != nil)
    #expect(Self.reason(String(repeating: "[", count: 20_000)) != nil)
    #expect(Self.reason(String(repeating: "a", count: 70_000))?.contains("65536") == true)
    #expect(Self.reason(#"(a)\2"#) != nil)
    // A look-behind of nested repetitions, which the reference refuses, too.
    #expect(Self.reason("(?<=(?:(?:a{1000}){1000}){1000})b") != nil)
  }

  /// Searches that would not end in reasonable time are given up.
  @Test func slowSearchesAreGivenUp() throws {
    let splitter = try PatternSplitter(
      "(?:a|aa|aaa)+$", isLiteral: false, .isolated, isInverted: false)
    #expect(Self.words(splitter, String(repeating: "a", count: 60) + "b") == nil)
    #expect(Self.words(splitter, "aaa") == ["aaa"])
  }

  /// A way that fails may be as long as the text; a search of many such ways has an end, too.
  @Test(arguments: ["(?=.*b)a", "(?=a*b)a", "(?=[^b]*b)a"])
  func longWaysAreGivenUp(_ pattern: String) throws {
    let splitter = try PatternSplitter(pattern, isLiteral: false, .isolated, isInverted: false)
    let text = String(repeating: "a", count: 150_000)
    let matcher = RegexMatcher(longestTime: 0.3)
    #expect(Self.words(splitter, text, matcher) == nil)
    #expect(matcher.refusal == .time || matcher.refusal == .stack)
    let short = String(repeating: "a", count: 60)
    #expect(Self.words(splitter, short) == [short])
  }

  /// A match can be as long as its text.
  @Test func longTextsAreSearchedAsOne() throws {
    let far = String(repeating: "é", count: 5000)
    let splitter = try PatternSplitter("é+b|c", isLiteral: false, .isolated, isInverted: false)
    #expect(Self.words(splitter, far + "b") == [far + "b"])
    #expect(Self.words(splitter, far + "c" + far) == [far, "c", far])
    let start = try PatternSplitter(#"\Gx"#, isLiteral: false, .isolated, isInverted: false)
    #expect(Self.words(start, far + "x") == [far + "x"])
    #expect(Self.words(start, "xx" + far) == ["x", "x", far])
  }

  /// Characters of Unicode 15 and 16 are of their classes, and have their other cases, whatever the
  /// library knows.
  ///
  /// Expected: `tokenizers` 0.22.2.
  @Test(arguments: [
    (#"\p{Lu}"#, "x\u{10D50}y", ["x", "\u{10D50}", "y"]),
    ("(?i)\u{10D50}", "x\u{10D70}y", ["x", "\u{10D70}", "y"]),
    ("(?i)[\u{A7CB}]", "x\u{264}y", ["x", "\u{264}", "y"]),
    (#"\p{Garay}+"#, "x\u{10D50}\u{10D51}y", ["x", "\u{10D50}\u{10D51}", "y"]),
    (#"(\w)\1"#, "aabbc", ["aa", "bb", "c"]), ("[[:alpha:]]+", "ab1c", ["ab", "1", "c"]),
    (#"(?<n>a)\g<n>"#, "aab", ["aa", "b"]), ("(?<=a|bc)d", "abcd", ["abc", "d"]),
    ("(?i)straße", "STRASSE", ["STRASSE"]),
  ])
  func unicode(_ pattern: String, _ text: String, _ expected: [String]) throws {
    let splitter = try PatternSplitter(pattern, isLiteral: false, .isolated, isInverted: false)
    #expect(Self.words(splitter, text) == expected)
  }
}
