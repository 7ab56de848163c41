/// Words that are left out.
enum StopWords {
  /// The 33 of Lucene's EnglishAnalyzer, in units of UTF-16.
  static let english: Set<[UInt16]> = Set(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there \
    these they this to was will with
    """.split(separator: " ").map { Array($0.utf16) })
}
