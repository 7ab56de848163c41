/// Words that are left out.
enum StopWords {
  /// The 33 of Lucene's EnglishAnalyzer, in units of UTF-16.
  static let english: Set<[UInt16]> = Set(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there \
    these they this to was will with
    """.split(separator: " ").map { Array($0.utf16) })

  /// Those of Snowball for a language, in units of UTF-16; none where it has no list.
  static func snowball(_ language: String) -> Set<[UInt16]> {
    Set((SnowballStopWords.list(language) ?? "").split(separator: " ").map { Array($0.utf16) })
  }

  /// Those of Lucene's analyser of a language: Snowball's, but for a word or two.
  static func lucene(_ language: Analyzer.Language) -> Set<[UInt16]> {
    if language == .english { return english }
    var words = snowball(language.rawValue)
    if language == .finnish { words.remove(Array("joten".utf16)) }
    if language == .swedish {
      words.remove(Array("sitt".utf16))
      words.insert(Array("sitta".utf16))
    }
    return words
  }
}
