import Failures
import JSON

/// Where a line of JSON lines has its id and its text.
struct JSONLLayout {
  /// Keys of a pair, in the order of its TSV form.
  private static let pairKeys = ["query_id", "doc_id", "query", "doc"]

  /// The keys that matter.
  private(set) var keys: [String] = []
  private let content: RecordContent
  /// What may hold the id, and whether the user named it.
  private let ids: [JSONField]
  private let idIsNamed: Bool
  /// What makes the text, and whether the user named it.
  private let texts: [JSONField]
  private let textIsNamed: Bool
  private let title: JSONField
  /// What a training tuple has beside its query.
  private let documents: JSONField

  init(_ options: RecordOptions) {
    content = options.content
    if content == .pairs { keys = Self.pairKeys }
    idIsNamed = !options.idFields.isEmpty
    textIsNamed = !options.fields.isEmpty
    var keys = keys
    // A nested field is looked for only where somebody asked for it.
    ids = (idIsNamed ? options.idFields : FieldNames.idKeys).map { JSONField($0, &keys) }
    texts = (textIsNamed ? options.fields : FieldNames.textKeys).map { JSONField($0, &keys) }
    title = JSONField(FieldNames.titleKey, &keys)
    documents = JSONField(FieldNames.documentsKey, &keys)
    self.keys = keys
  }

  /// Appends the record of a line.
  ///
  /// - Parameters:
  ///   - row: The line.
  ///   - position: Its place in the block.
  ///   - line: Its number in the file.
  ///   - builder: Gets the record.
  /// - Throws: 65 where the line holds no record; 78 where it has several ids and nobody said which
  ///   one counts.
  func append(
    _ row: JSONRow, position: Int, line: Int, to builder: inout BatchBuilder
  ) throws(Failure) {
    if content == .pairs {
      var id = try row.id(at: 0)
      id.append(Bytes.tab)
      id.append(contentsOf: try row.id(at: 1))
      var text = try row.text(at: 2)
      let split = text.count
      text.append(Bytes.tab)
      text.append(contentsOf: try row.text(at: 3))
      builder.append(id: id, text: text, split: split, position: position, line: line)
      return
    }
    let id = try id(row)
    let (text, title) = textIsNamed ? (try namedText(row), nil) : try usualText(row)
    builder.append(id: id, text: text, split: title, position: position, line: line)
  }

  // MARK: Ids

  private func id(_ row: JSONRow) throws(Failure) -> [UInt8] {
    var found: [(field: JSONField, value: JSON)] = []
    for field in ids {
      let value = try field.value(in: row)
      if value.isNull { continue }
      found.append((field, value))
      if idIsNamed { break }
    }
    guard let first = found.first else {
      throw row.missing(
        "an id under \(JSONField.list(ids))", among: keysOfIDs,
        hint: idIsNamed ? nil : "--id-field names the key of the id")
    }
    if found.count > 1, !Self.isPassageOfDocument(found.map(\.field.name)) {
      throw .config(
        row.placeText,
        "expected one id, found the keys \(JSONField.list(found.map(\.field), "and"))",
        hint: "--id-field names the key of the id")
    }
    return try row.id(first.value, "\"\(first.field.name)\"")
  }

  private var keysOfIDs: [String] { ids.map(\.name) }

  /// MS MARCO V2's passages name their document, too.
  private static func isPassageOfDocument(_ names: [String]) -> Bool { names == ["pid", "docid"] }

  // MARK: Texts

  /// The fields that were asked for, joined by one space.
  private func namedText(_ row: JSONRow) throws(Failure) -> [UInt8] {
    var text: [UInt8] = []
    for (i, field) in texts.enumerated() {
      if i > 0 { text.append(Bytes.space) }
      let value = try field.value(in: row)
      if value.isNull { throw row.missing("a string under \"\(field.name)\"", among: [field.name]) }
      text.append(contentsOf: try row.text(value, "\"\(field.name)\""))
    }
    return text
  }

  /// Title and body, as BEIR joins them, and where the title ends; nil where there is none.
  private func usualText(_ row: JSONRow) throws(Failure) -> (text: [UInt8], title: Int?) {
    guard let (field, value) = try body(row) else {
      throw row.missing(
        "a text under \(JSONField.list(texts))", among: texts.map(\.name),
        hint: try title.value(in: row).isNull
          ? "--fields names the keys that make the text"
          : "--fields names the keys that make the text; --fields title takes the title alone")
    }
    try refuseOther(row, than: field)
    let text = try row.text(value, "\"\(field.name)\"")
    let heading = try title.value(in: row)
    if heading.isNull { return (text, nil) }
    let words = try row.text(heading, "\"\(title.name)\"")
    let hasBoth = !words.isEmpty && !text.isEmpty
    return (RecordText.joined(title: words, text), hasBoth ? words.count : nil)
  }

  /// The first of the usual fields that holds words; where each is empty, the first that is there.
  private func body(_ row: JSONRow) throws(Failure) -> (field: JSONField, value: JSON)? {
    var empty: (field: JSONField, value: JSON)?
    for field in texts {
      let value = try field.value(in: row)
      if value.isNull { continue }
      if value.string != "" { return (field, value) }
      if empty == nil { empty = (field, value) }
    }
    return empty
  }

  /// Refuses a record of a query and a document, which nobody said which of is the text.
  private func refuseOther(_ row: JSONRow, than chosen: JSONField) throws(Failure) {
    let query = FieldNames.queryKey
    let isQuery = chosen.name == query
    if isQuery, case .array = try documents.value(in: row) {
      throw .data(
        row.placeText, "expected a text, found a query and its documents: a training tuple",
        hint: "--fields query takes the query as the text all the same")
    }
    var holdsQuery = false
    for field in ids where FieldNames.isListedQueryID(field.name) {
      if try !field.value(in: row).isNull { holdsQuery = true }
    }
    for field in texts
    where field.name != chosen.name && (isQuery || holdsQuery && field.name == query) {
      if try field.value(in: row).isNull { continue }
      throw .config(
        row.placeText,
        "expected one text, found the keys \(JSONField.list([chosen, field], "and"))",
        hint: "--fields names the keys that make the text")
    }
  }
}

/// How the parts of a text become one.
package enum RecordText {
  /// Title and body with a space between them; where one is empty, the other alone.
  package static func joined(title: [UInt8], _ body: [UInt8]) -> [UInt8] {
    title.isEmpty || body.isEmpty ? title + body : title + [Bytes.space] + body
  }
}

/// A field of an object by its name: a key, or the keys that lead to a nested one, with dots between.
struct JSONField {
  let name: String
  /// Place of the key that is spelled like the name.
  private let place: Int
  /// Place of the first of the keys with dots between, and the others.
  private let nested: (root: Int, path: [String])?

  /// A field of rows that are read for `keys`, which get what this field needs.
  init(_ name: String, _ keys: inout [String]) {
    func place(_ key: String) -> Int {
      if let known = keys.firstIndex(where: { $0.utf8.elementsEqual(key.utf8) }) { return known }
      keys.append(key)
      return keys.count - 1
    }
    self.name = name
    self.place = place(name)
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    nested = parts.count > 1 ? (place(parts[0]), Array(parts[1...])) : nil
  }

  /// The field's value; null where it is absent.
  ///
  /// - Throws: 65 where the way to a nested field leads through something that is no object.
  func value(in row: JSONRow) throws(Failure) -> JSON {
    let plain = row.value(place)
    guard plain.isNull, let nested else { return plain }
    var value = row.value(nested.root)
    var way = row.key(nested.root)
    for key in nested.path {
      if value.isNull { return .null }
      guard value.members != nil else {
        throw row.failure(expected: "an object under \"\(way)\"", found: value.kindName)
      }
      value = value[key] ?? .null
      way += ".\(key)"
    }
    return value
  }

  /// Names for a message: `"a", "b" or "c"`.
  static func list(_ fields: [JSONField], _ last: String = "or") -> String {
    let names = fields.map { "\"\($0.name)\"" }
    guard let end = names.last, names.count > 1 else { return names.joined() }
    return "\(names.dropLast().joined(separator: ", ")) \(last) \(end)"
  }
}
