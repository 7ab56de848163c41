import Failures

/// The columns of a TSV file that make up id and text, by number from 1.
struct TSVColumns: Sendable, Equatable {
  var id = 1
  /// Empty for all columns but the id's.
  var texts: [Int] = []
  /// Whether the header has its names in quotes, so that fields may be, too.
  var isQuoted = false

  /// Whether the id is in front and all the rest is text.
  var isPlain: Bool { id == 1 && texts.isEmpty }
}

/// The header line that a TSV file may begin with.
enum TSVHeader {
  /// What the first line of a file says.
  struct Reading {
    var columns = TSVColumns()
    /// Whether it is a header, and no record.
    var isHeader = false
  }

  /// A header is short; a long text is not looked at.
  private static let maximumLength = 1024

  /// Reads the first line of a file.
  ///
  /// - Parameters:
  ///   - line: The line, without its end.
  ///   - options: What makes id and text.
  ///   - file: The file's name.
  /// - Returns: The columns, and whether the line is a header.
  /// - Throws: 64 where the file has no column that the options name; 65 where the line is a header
  ///   that says of no column, or of another than the first, that it is the id.
  static func read(
    _ line: UnsafeRawBufferPointer, _ options: RecordOptions, file: String
  ) throws(Failure) -> Reading {
    let names = line.count <= maximumLength ? split(line) : []
    switch options.content {
    case .pairs:
      return Reading(isHeader: try isPairHeader(names, file))
    case .texts:
      let isHeader = try isTextHeader(names, options, file)
      let header = isHeader ? names : nil
      var columns = TSVColumns()
      columns.texts = try self.columns(options.fields, header: header, file: file)
      columns.id = try idColumn(options.idFields, header: header, file: file)
      columns.isQuoted = isHeader && line.first == UInt8(ascii: "\"")
      return Reading(columns: columns, isHeader: isHeader)
    }
  }

  private static func split(_ line: UnsafeRawBufferPointer) -> [String] {
    line.split(separator: Bytes.tab, omittingEmptySubsequences: false)
      .map { ColumnName(String(decoding: $0, as: UTF8.self)).bare }
  }

  // MARK: Texts

  private static func isTextHeader(
    _ names: [String], _ options: RecordOptions, _ file: String
  ) throws(Failure) -> Bool {
    guard names.count >= 2 else { return false }
    let columns = names.map { ColumnName($0) }
    let named = (options.fields + options.idFields).filter { Int($0) == nil }
    if !named.isEmpty, options.fields.allSatisfy({ Int($0) != nil || names.contains($0) }),
      options.idFields.isEmpty || options.idFields.contains(where: names.contains),
      named.contains(where: names.contains)
    {
      return true
    }
    let areKnown = columns.allSatisfy { $0.isID || $0.isText }
    if columns[0].isID, columns[1].isID || columns[1].isText || columns[1].isPlainText {
      return true
    }
    if areKnown, columns.contains(where: \.isID) { return true }
    if columns[0].isIDBesideText,
      columns[0].isPlainID || columns.dropFirst().contains(where: \.isPlainText),
      columns.dropFirst().allSatisfy({ $0.isText || $0.isPlainText })
    {
      return true
    }
    if areKnown {
      guard options.idFields.isEmpty else { return true }
      throw .data(
        "\(file):1", "expected the id in the first column, found the header \(list(names))",
        hint: "no column is called as ids are: --id-field names or numbers the column of the id")
    }
    if columns[0].isID, names.allSatisfy({ FieldNames.isNameLike($0) }) {
      throw .data(
        "\(file):1", "expected id<TAB>text, found what looks like a header, \(list(names))",
        hint: "--fields names the columns that make the text, or take the line out")
    }
    return false
  }

  /// The numbers of the columns that `fields` picks, by number or by the header's names.
  private static func columns(
    _ fields: [String], header: [String]?, file: String
  ) throws(Failure) -> [Int] {
    var columns: [Int] = []
    for field in fields {
      if let number = Int(field), number >= 1 {
        columns.append(number)
      } else if let index = header?.firstIndex(of: field) {
        columns.append(index + 1)
      } else if let header {
        throw .usage(
          "\(file) has no field '\(field)'",
          hint: "its fields are \(header.joined(separator: ", "))")
      } else {
        throw .usage(
          "\(file) has no header that names a field '\(field)'",
          hint: "pick the columns of a TSV file by number: the id is column 1, the text column 2")
      }
    }
    return columns
  }

  /// The column of the id.
  ///
  /// A file without a header has no names: there a name leaves the id where it is.
  private static func idColumn(
    _ fields: [String], header: [String]?, file: String
  ) throws(Failure) -> Int {
    for field in fields {
      if let number = Int(field), number >= 1 { return number }
      if let index = header?.firstIndex(of: field) { return index + 1 }
    }
    guard let header else { return 1 }
    if !fields.isEmpty {
      throw .usage(
        "\(file) has no field '\(fields.joined(separator: "' or '"))'",
        hint: "its fields are \(header.joined(separator: ", "))")
    }
    let areIDs = header.map { ColumnName($0).isID }
    guard areIDs[0] || !areIDs.contains(true) else {
      throw .data(
        "\(file):1", "expected the id in the first column, found the header \(list(header))",
        hint: "--id-field names the column of the id")
    }
    return 1
  }

  // MARK: Pairs

  private static func isPairHeader(_ names: [String], _ file: String) throws(Failure) -> Bool {
    guard names.count == 4 else { return false }
    let columns = names.map { ColumnName($0) }
    if let isHeader = try isNumberedPairHeader(names, columns, file) { return isHeader }
    let areIDs = columns.map(\.isID)
    let areKnown = columns.allSatisfy { $0.isID || $0.isText }
    let areNames =
      areIDs.starts(with: [true, true]) && names.allSatisfy { FieldNames.isNameLike($0) }
    guard areKnown || areIDs.contains(true) && areNames else { return false }
    let isOrdered =
      !columns[0].isOfDocument && !columns[1].isOfQuery && !columns[2].isOfDocument
      && !columns[3].isOfQuery
    // Columns of ids may be called by what they are the ids of.
    let areIDsInFront =
      areIDs == [true, true, false, false]
      || !areIDs.contains(true) && columns[0].isOfQuery && columns[1].isOfDocument
    guard areKnown, areIDsInFront, isOrdered else { throw otherOrder(names, file) }
    return true
  }

  /// Whether a line is `id1`, `id2`, `text1`, `text2` or the like; nil for other names.
  ///
  /// Ids may be numbered as well: so it takes two names, each twice, one of which is that of an id.
  private static func isNumberedPairHeader(
    _ names: [String], _ columns: [ColumnName], _ file: String
  ) throws(Failure) -> Bool? {
    let stems = Set(columns.map(\.stem))
    let (first, last) = (ColumnName(columns[0].stem), ColumnName(columns[3].stem))
    let numbers = columns.compactMap(\.number)
    guard stems.count == 2, numbers.count == 4, Set(numbers).count == 2,
      stems.contains(where: { ColumnName($0).isID }),
      stems.allSatisfy({ stem in columns.count { $0.stem == stem } == 2 }),
      stems.allSatisfy({ ColumnName($0).isID || ColumnName($0).isText || $0 == "sentence" })
    else { return nil }
    guard first.isID, columns[1].stem == first.stem, !last.isID, numbers[0] == numbers[2],
      numbers[1] == numbers[3]
    else { throw otherOrder(names, file) }
    return true
  }

  private static func otherOrder(_ names: [String], _ file: String) -> Failure {
    .data(
      "\(file):1",
      "expected the columns query_id, doc_id, query and doc, found the header \(list(names))")
  }

  private static func list(_ names: [String]) -> String {
    names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
