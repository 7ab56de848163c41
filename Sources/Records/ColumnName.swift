/// The name of a column of a header line, and what its words say.
///
/// Collections call their columns by words for whose they are (`query`, `doc`, `p`...) and for what is in
/// them (`id`, `text`...): `q_id`, `docText`, `passage-content`, `id1`. Whoever knows the words knows the
/// names.
package struct ColumnName {
  /// Words for queries; those of one letter only in front of others.
  private static let queries: Set<String> = [
    "query", "queries", "question", "topic", "q",
  ]
  /// Words for documents.
  private static let documents: Set<String> = [
    "doc", "docs", "document", "passage", "corpus", "segment", "chunk", "paragraph", "article",
    "p", "d",
  ]
  /// Words for ids, those that are also words of texts among them.
  private static let ids: Set<String> = ["id", "ids", "no", "identifier"]
  private static let idsAlone: Set<String> = [
    "identifier", "index", "idx", "uid", "uuid", "guid", "key", "number", "num", "no",
  ]
  /// Words for texts of whatever kind.
  private static let texts: Set<String> = [
    "text", "texts", "content", "contents", "body", "txt", "value",
  ]
  /// Words for the two of a pair.
  private static let sides = ["left": 1, "right": 2, "a": 1, "b": 2]

  /// The name without quotes.
  package let bare: String
  /// The name in the one spelling of `FieldNames`, without quotes.
  package let plain: String
  /// The name without a number, or a word for a side, and the number: 1 of the left, 2 of the right.
  package let stem: String
  package let number: Int?
  package let isID: Bool
  package let isText: Bool
  package let isOfQuery: Bool
  package let isOfDocument: Bool
  /// Whether it is of an id only beside the name of a text: `index`, `doc`, `identifier`.
  let isIDBesideText: Bool
  /// Whether it says that here is an id, and not whose.
  let isPlainID: Bool
  /// Whether it says that here is text, and not whose.
  let isPlainText: Bool

  /// - Parameter name: The column's name as the line has it.
  package init(_ name: some StringProtocol) {
    bare = Self.unquoted(name.hasPrefix("#") && name.count > 1 ? name.dropFirst() : name[...])
    plain = FieldNames.normalized(bare)
    (stem, number) = Self.numbered(plain)
    let words = Self.words(bare)
    let isWhose = words.count > 1 && words.dropLast().allSatisfy { Self.isWhose($0) }
    let last = words.last ?? ""
    isID = FieldNames.isListedID(plain) || isWhose && Self.ids.contains(last)
    isText =
      !isID
      && (FieldNames.isListedText(plain)
        || isWhose && (Self.texts.contains(last) || last == FieldNames.titleKey))
    let whose = isWhose ? words.dropLast() : [plain][...]
    isOfQuery =
      FieldNames.isListedQueryID(plain) || whose.contains { Self.queries.contains($0) && $0 != "q" }
      || isWhose && whose.contains("q")
    isOfDocument =
      FieldNames.isListedDocumentID(plain)
      || whose.contains { Self.documents.contains($0) && $0.count > 1 }
      || isWhose && (whose.contains("d") || whose.contains("p"))
    isPlainText = Self.texts.contains(plain)
    isPlainID = Self.idsAlone.contains(plain)
    isIDBesideText =
      isPlainID
      || plain.count > 1 && (Self.queries.contains(plain) || Self.documents.contains(plain))
  }

  /// `text_1` is `text` and 1, `text_left` and `left_text` as well.
  private static func numbered(_ plain: String) -> (stem: String, number: Int?) {
    let digits = String(plain.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())
    if let number = Int(digits), digits.count < plain.count {
      var stem = plain.dropLast(digits.count)
      while stem.last == "_", stem.count > 1 { stem.removeLast() }
      return (String(stem), number)
    }
    let parts = plain.split(separator: "_").map(String.init)
    guard parts.count > 1 else { return (plain, nil) }
    if let side = sides[parts[parts.count - 1]] {
      return (parts.dropLast().joined(separator: "_"), side)
    }
    if let side = sides[parts[0]] { return (parts.dropFirst().joined(separator: "_"), side) }
    return (plain, nil)
  }

  private static func isWhose(_ word: String) -> Bool {
    queries.contains(word) || documents.contains(word)
  }

  private static func unquoted(_ name: some StringProtocol) -> String {
    for quote in ["\"", "'"] where name.count > 2 && name.hasPrefix(quote) && name.hasSuffix(quote)
    {
      return String(name.dropFirst().dropLast())
    }
    return String(name)
  }

  /// Words in lower case: `docText`, `doc_text`, `doc.text` and `doctext` are the same two.
  private static func words(_ name: String) -> [String] {
    // With a digit it is rather an id, such as `doc_id1`.
    guard FieldNames.isNameLike(name), !name.contains(where: \.isNumber) else { return [] }
    var words: [String] = [""]
    var wasLower = false
    for character in name {
      guard character.isLetter else {
        words.append("")
        continue
      }
      if character.isUppercase, wasLower { words.append("") }
      wasLower = character.isLowercase
      words[words.count - 1] += character.lowercased()
    }
    words.removeAll { $0.isEmpty }
    guard words.count == 1, let word = words.first else { return words }
    for end in ids.union(texts) where word.hasSuffix(end) {
      let whose = String(word.dropLast(end.count))
      if isWhose(whose) { return [whose, end] }
    }
    return words
  }
}
