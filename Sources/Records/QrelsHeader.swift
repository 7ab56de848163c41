import Failures

/// The header line that judgements may begin with: BEIR's `query-id corpus-id score`, or other names.
enum QrelsHeader {
  /// Names of a query's column besides those of its id.
  private static let queries: Set<String> = ["query", "topic", "query_number", "id", "_id"]
  /// Names of a document's column besides those of its id.
  private static let documents: Set<String> = [
    "doc", "document", "passage", "corpus", "segment", "chunk",
  ]

  /// Fields of the lines that follow a header; nil where the first line is none.
  ///
  /// - Throws: 65 for a header whose columns are in another order.
  static func fields(
    _ line: UnsafeRawBufferPointer, file: String
  ) throws(Failure) -> Int? {
    let names = names(line)
    guard names.count == 3 || names.count == 4 else { return nil }
    let areGrades = names.map { FieldNames.isGrade($0) }
    let columns = names.map { ColumnName($0) }
    let areQueries = columns.map { $0.isID && $0.isOfQuery || queries.contains($0.plain) }
    let areDocuments = columns.map { $0.isID && $0.isOfDocument || documents.contains($0.plain) }
    let last = names.count - 1
    let isIteration = last == 2 || FieldNames.isIteration(names[1])
    if areQueries[0], areDocuments[last - 1], areGrades[last], isIteration { return names.count }
    // Names that are known, and nothing but them, cannot be a judgement.
    guard areGrades.contains(true), areQueries.contains(true), areDocuments.contains(true) else {
      return nil
    }
    let found = names.map { "\"\($0)\"" }.joined(separator: ", ")
    throw .line(
      file, 1, expected: "the columns query, document, grade", found: "the header \(found)")
  }

  /// Whether a line is a header of three columns.
  static func recognizes(_ line: UnsafeRawBufferPointer) -> Bool {
    (try? fields(line, file: "")) == 3
  }

  private static func names(_ line: UnsafeRawBufferPointer) -> [String] {
    if line.count > 256 { return [] }
    let fields = LineFields(line)
    return (0..<min(fields.count, LineFields.capacity)).map {
      ColumnName(String(decoding: fields[$0], as: UTF8.self)).plain
    }
  }
}
