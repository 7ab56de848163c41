import Failures
import Records

/// The header line that a file of triples, or of scores and ids, may begin with.
enum TupleHeader {
  /// What the name of a column is about.
  private struct Column {
    /// Words by which files call the parts of a triple.
    private static let queries: Set<String> = [
      "query", "queries", "q", "qid", "queryid", "anchor", "question",
    ]
    private static let positives: Set<String> = [
      "positive", "positives", "pos", "relevant", "posid", "pospid",
    ]
    private static let negatives: Set<String> = [
      "negative", "negatives", "neg", "irrelevant", "nonrelevant", "nid", "negid", "negpid",
    ]
    private static let documents: Set<String> = [
      "pid", "doc", "docid", "document", "passage", "did", "docno",
    ]

    let isQuery: Bool
    let isScore: Bool
    /// Whether it may be the relevant document's, and the other one's.
    let isPositive: Bool
    let isNegative: Bool
    var isDocument: Bool { isPositive || isNegative }

    init?(_ name: String) {
      let name = ColumnName(name).bare
      // With a digit it is rather an id, such as q1 or doc2.
      guard FieldNames.isNameLike(name), !name.contains(where: \.isNumber) else { return nil }
      let lower = name.lowercased()
      // `pid+` and `pid-` are names, too.
      let sign = lower.last.flatMap { "+-".contains($0) ? $0 : nil }
      var words = Set(lower.split { !$0.isLetter }.map(String.init))
      // `d_id`, and not a `d` alone.
      if words.count > 1, !words.isDisjoint(with: ["d", "p"]) { words.insert("doc") }
      let saysPositive = sign == "+" || !words.isDisjoint(with: Self.positives)
      let saysNegative = sign == "-" || !words.isDisjoint(with: Self.negatives)
      let saysDocument = !words.isDisjoint(with: Self.documents)
      isScore = words.contains("score") || words.contains("scores")
      isQuery = !isScore && !words.isDisjoint(with: Self.queries)
      isPositive = !isScore && (saysPositive || (saysDocument && !saysNegative))
      isNegative = !isScore && (saysNegative || (saysDocument && !saysPositive))
      guard isScore || isQuery || isDocument else { return nil }
    }
  }

  /// Whether the first line of a file of columns is a header, and no tuple.
  ///
  /// - Throws: 65 for a header whose columns are in another order than the format's.
  static func recognizes(_ line: [UInt8], file: String) throws(Failure) -> Bool {
    // A header is short; a long text is not looked at.
    guard line.count <= 256, let first = line.first, first != UInt8(ascii: "{"),
      first != UInt8(ascii: "[")
    else { return false }
    var names = Self.names(line, { $0 == 0x09 })
    if names.count == 1 { names = Self.names(line, { $0 == 0x20 }) }
    let columns = names.map { Column($0) }
    let known = columns.compactMap { $0 }
    guard known.count == columns.count, known.count == 3 || known.count == 5,
      known.contains(where: \.isQuery), known.contains(where: \.isDocument)
    else {
      try refuse(names, known, file)
      return false
    }
    let triple = known.suffix(3)
    let scores = known.dropLast(3)
    let isOrdered =
      triple.first?.isQuery == true && triple.dropFirst().first?.isPositive == true
      && triple.last?.isNegative == true && triple.dropFirst().allSatisfy { !$0.isQuery }
      && scores.allSatisfy(\.isScore)
    guard isOrdered else {
      let order =
        known.count == 3
        ? "query, positive, negative" : "two scores, ids of query, positive, negative"
      throw .line(
        file, 1, expected: "the columns \(order)",
        found: "the header \(names.map { "\"\($0)\"" }.joined(separator: ", "))")
    }
    return true
  }

  /// Refuses three words of which one names a query or a document, and others nothing that is known.
  private static func refuse(
    _ names: [String], _ known: [Column], _ file: String
  ) throws(Failure) {
    let numbered = names.map { ColumnName($0) }
    if names.count == 3, numbered.map(\.number) == [1, 2, 3],
      numbered.allSatisfy({ $0.stem == numbered[0].stem }),
      ["sentence", "text"].contains(numbered[0].stem)
    {
      throw unknown(names, file)
    }
    let areWords = names.allSatisfy {
      FieldNames.isNameLike($0) && !$0.contains(where: \.isNumber)
    }
    guard names.count == 3, areWords, known.contains(where: { $0.isQuery || $0.isDocument }) else {
      return
    }
    throw unknown(names, file)
  }

  private static func unknown(_ names: [String], _ file: String) -> Failure {
    let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
    return .data(
      "\(file):1", "expected a tuple, found what looks like a header, \(list)",
      hint: "call the columns query, positive and negative, or take the line out")
  }

  private static func names(_ line: [UInt8], _ isSeparator: (UInt8) -> Bool) -> [String] {
    line.split(omittingEmptySubsequences: false, whereSeparator: isSeparator)
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
