import Analysis
import Failures
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
        Self.terms(text, try Analyzer(.english)) == expected, "\(text.unicodeScalars.map(\.value))")
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
      #expect(Self.terms(text, try Analyzer(.none)) == lower, "\(text.unicodeScalars.map(\.value))")
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
  @Test func scratchIsUsedAgain() throws {
    var scratch = Analyzer.Scratch()
    for text in ["one two three", "", "four"] {
      var terms: [String] = []
      try Analyzer(.none).forEachTerm(of: Array(text.utf8), scratch: &scratch) {
        terms.append(String(decoding: $0, as: UTF8.self))
      }
      #expect(terms == text.split(separator: " ").map(String.init))
    }
  }

  /// Texts of other languages as Lucene's analysers take them apart, and stems of Snowball's.
  @Test(.enabled(if: (try? Analyzer(.danish)) != nil, "libstemmer is not installed"))
  func languages() throws {
    var languages: Set<String> = []
    for line in try Fixtures.bytes("bm25/languages.jsonl").split(separator: 0x0A) {
      let json = try JSONParser.parse(Array(line))
      let name = try #require(json["language"]?.string)
      let analyzer = try Analyzer(
        #require(Analyzer.Language(rawValue: name)),
        #require(json["stemmer"]?.string.flatMap(Analyzer.Stemmer.init)))
      let text = json["text"]?.string ?? ""
      let expected = (json["terms"]?.array ?? []).map { $0.string ?? "" }
      #expect(Self.terms(text, analyzer) == expected, "\(name): \(text)")
      languages.insert(name)
      if let usual = Analyzer.Language(rawValue: name)?.usualStemmer {
        #expect(
          usual == (json["stemmer"]?.string == "lucene" ? .lucene : usual), "\(name)")
      }
    }
    #expect(languages.count == 26)
    #expect(Set(Analyzer.Language.codes.values).count == Analyzer.Language.allCases.count - 1)
  }

  /// Languages of which Lucene's analysers stem by other rules: stems of `snowballstemmer` 2.2.0, from the
  /// same source as Debian's libstemmer.
  @Test(.enabled(if: (try? Analyzer(.danish)) != nil, "libstemmer is not installed"))
  func arabicAndTamil() throws {
    let arabic = [
      ("والكتاب", "والكتاب"), ("الكتب", "كتب"), ("المكتبات", "مكتب"), ("كتبتها", "كتب"),
      ("سيكتبون", "يكتب"), ("بالمدرسة", "مدرس"), ("المعلمون", "معلم"), ("للطلاب", "طلاب"),
      ("أبناء", "ابناء"), ("إسلامية", "اسلام"), ("مستشفيات", "مستشفيا"), ("فاستخدموا", "فاستخدم"),
    ]
    let tamil = [
      ("மரங்கள்", "மரங்"), ("மரத்தில்", "மரம்"), ("படித்தான்", "படி"), ("படிக்கிறார்கள்", "படி"),
      ("வீடுகளில்", "வீடு"), ("வீட்டிற்கு", "வீட்டி"), ("புத்தகங்களை", "புத்தகம்"),
      ("நண்பர்களுடன்", "நண்"), ("செய்கிறேன்", "செய்"), ("பறவைகள்", "பறவை"), ("ஊரிலிருந்து", "ஊரில்"),
    ]
    for (language, words) in [(Analyzer.Language.arabic, arabic), (.tamil, tamil)] {
      let analyzer = try Analyzer(language, .snowball)
      let text = words.map(\.0).joined(separator: " ")
      #expect(Self.terms(text, analyzer) == words.map(\.1))
      for (word, stem) in words { #expect(Self.terms(word, analyzer) == [stem], "\(word)") }
    }
  }

  /// Both letters I of Turkish have their own small ones, in words of ASCII, too.
  @Test(.enabled(if: (try? Analyzer(.danish)) != nil, "libstemmer is not installed"))
  func turkishLetters() throws {
    let analyzer = try Analyzer(.turkish, Analyzer.Stemmer.none)
    #expect(
      Self.terms("IRMAK İzmir'de I\u{307}l i̇", analyzer) == ["ırmak", "izmir", "il", "i\u{307}"])
    var scratch = Analyzer.Scratch()
    var plain: [String] = []
    var other: [String] = []
    Array("IRMAK su".utf8).withUnsafeBytes { text in
      analyzer.forEachWord(
        of: text, scratch: &scratch, plain: { plain.append(String(decoding: $0, as: UTF8.self)) },
        other: { other.append(String(decoding: $0, as: UTF8.self)) })
    }
    #expect(plain == ["su"])
    #expect(other == ["ırmak"])
  }

  @Test func whatIsNotThere() throws {
    #expect(throws: Failure.self) { _ = try Analyzer(.turkish, .lucene) }
    #expect(throws: Failure.self) { _ = try Analyzer(.none, .snowball) }
    #expect(
      Self.terms("The Runners' dog's", try Analyzer(.english, Analyzer.Stemmer.none)) == [
        "runners", "dog",
      ])
  }
}
