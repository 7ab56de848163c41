import Analysis
import JSON
import TestSupport
import Testing
import UnicodeTables

/// Terms of texts against the real Anserini 0.22.1 (scripts/reference/anserini).
@Suite struct AnalyzerTests {
  private static func cases(_ name: String) throws -> [(text: String, terms: [String])] {
    try Fixtures.bytes("bm25/\(name).jsonl").split(separator: 0x0A).map { line in
      let json = try JSONParser.parse(Array(line))
      return (json["text"]?.string ?? "", json["terms"]?.array?.map { $0.string ?? "" } ?? [])
    }
  }

  private static func terms(_ text: String, _ analyzer: Analyzer) -> [String] {
    var scratch = Analyzer.Scratch()
    var terms: [String] = []
    analyzer.forEachTerm(of: Array(text.utf8), scratch: &scratch) {
      terms.append(String(decoding: $0, as: UTF8.self))
    }
    return terms
  }

  @Test func englishTerms() throws {
    let cases = try Self.cases("english")
    #expect(cases.count > 200)
    for (text, expected) in cases {
      #expect(
        Self.terms(text, Analyzer(.english)) == expected, "\(text.unicodeScalars.map(\.value))")
    }
  }

  /// Words as they stand, but for their case.
  @Test func words() throws {
    let cases = try Self.cases("words")
    #expect(cases.count > 500)
    for (text, expected) in cases {
      let lower = expected.map { word in
        var text = String.UnicodeScalarView()
        for scalar in word.unicodeScalars {
          text.append(Unicode.Scalar(Lowercase.of(scalar.value)) ?? scalar)
        }
        return String(text)
      }
      #expect(Self.terms(text, Analyzer(.none)) == lower, "\(text.unicodeScalars.map(\.value))")
    }
  }

  @Test func stems() throws {
    let cases = try Self.cases("stem")
    #expect(cases.count == 1500)
    var stemmer = PorterStemmer()
    for (text, expected) in cases {
      var word = Array(text.utf16)
      stemmer.stem(&word)
      #expect(String(decoding: word, as: UTF16.self) == expected[0], "\(text)")
    }
  }

  /// A scratch that is used again knows nothing of the last text.
  @Test func scratchIsUsedAgain() {
    var scratch = Analyzer.Scratch()
    for text in ["one two three", "", "four"] {
      var terms: [String] = []
      Analyzer(.none).forEachTerm(of: Array(text.utf8), scratch: &scratch) {
        terms.append(String(decoding: $0, as: UTF8.self))
      }
      #expect(terms == text.split(separator: " ").map(String.init))
    }
  }
}
