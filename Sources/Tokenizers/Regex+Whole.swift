extension Regex {
  /// A pattern that texts match as a whole, in the syntax of Python's `re`.
  ///
  /// - Throws: where it is none.
  package convenience init(whole pattern: String) throws(RegexError) {
    try self.init("\\A(?:\(pattern.replacing("(?P<", with: "(?<")))\\z")
  }

  /// Whether the pattern is found in a text: for one that was made with `whole`, whether it is the text.
  package func isFound(in text: String) -> Bool {
    // An empty array would have no address.
    let bytes = Array(text.utf8) + [0]
    return bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return false }
      return RegexMatcher().isFound(self, base, bytes.count - 1)
    }
  }
}
