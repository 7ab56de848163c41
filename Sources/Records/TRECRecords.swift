import Failures

/// Records of TREC SGML: documents (`<DOC><DOCNO>…`) and topics (`<top><num>…<title>…`).
///
/// A document's text is what stands between its tags, but for the elements that say where it comes
/// from; a topic's is its title. White space becomes single spaces, and the five entities of XML
/// become characters.
enum TRECRecords {
  /// Elements that are no part of a document's text.
  private static let dropped: Set<String> = ["docno", "docid", "docoldno", "dochdr", "fileid"]
  /// Labels that topics put before the content of an element.
  private static let labels: [String: String] = [
    "num": "number:", "title": "topic:", "desc": "description:", "narr": "narrative:",
  ]

  /// The records of a block, which starts and ends between elements.
  static func parse(
    _ block: consuming RecordBlock, _ options: RecordOptions
  ) throws(Failure) -> RecordBatch {
    var builder = BatchBuilder(block, bytes: [], onError: options.onError)
    let bytes = block.bytes
    var position = 0
    var start = 0
    var line = block.firstLine
    while let begin = bytes[start...].firstIndex(where: { !Bytes.isSpace($0) }),
      position < block.kept.upperBound
    {
      line += newlines(bytes[start..<begin])
      let end = SGML.elementEnd(bytes, from: begin) ?? bytes.count
      if position >= block.kept.lowerBound {
        do throws(Failure) {
          let piece = Piece(
            bytes: bytes[begin..<end], file: block.file, line: line,
            isAtEnd: block.endsFile && end == bytes.count,
            next: end < bytes.count ? SGML.written(end, bytes[...]) : nil)
          let record = try record(piece, options)
          builder.append(id: record.id, text: record.text, position: position, line: line)
        } catch { try builder.reject(error) }
      }
      line += newlines(bytes[begin..<end])
      start = end
      position += 1
    }
    return builder.batch
  }

  private static func newlines(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.count { $0 == Bytes.newline }
  }

  /// The bytes of one record, and where they are.
  private struct Piece {
    var bytes: ArraySlice<UInt8>
    var file: String
    /// Line of the first byte.
    var line: Int
    /// Whether nothing stands behind it.
    var isAtEnd: Bool
    /// What stands behind it, if that is in the same block.
    var next: String?

    var isTopic: Bool { SGML.isTag(bytes, "top", at: bytes.startIndex) }

    func failure(_ expected: String, _ found: String) -> Failure {
      .line(file, line, expected: expected, found: found)
    }

    /// A failure at a byte of the piece.
    func failure(at index: Int, _ expected: String, _ found: String) -> Failure {
      .line(file, line + newlines(bytes[..<index]), expected: expected, found: found)
    }
  }

  private static func record(
    _ piece: Piece, _ options: RecordOptions
  ) throws(Failure) -> (id: [UInt8], text: [UInt8]) {
    let bytes = piece.bytes
    if let problem = problem(bytes) {
      throw .line(
        piece.file, piece.line + problem.line, expected: problem.expected, found: problem.found)
    }
    let isTopic = piece.isTopic
    guard SGML.isRecordStart(bytes, at: bytes.startIndex) else {
      throw piece.failure("<DOC> or <top>", Bytes.quoted(bytes.prefix { $0 != Bytes.newline }))
    }
    try checkEnd(piece)
    let elements = SGML.elements(bytes)
    let idNames =
      options.idFields.isEmpty
      ? [isTopic ? "num" : "docno"] : options.idFields.map { $0.lowercased() }
    guard let idName = idNames.first(where: { name in elements.contains { $0.name == name } }),
      let element = elements.first(where: { $0.name == idName })
    else {
      let names = options.idFields.isEmpty ? [isTopic ? "num" : "DOCNO"] : options.idFields
      throw piece.failure(names.map { "<\($0)>" }.joined(separator: " or "), "none")
    }
    if let second = SGML.tag(idName, after: element.content.endIndex, bytes) {
      throw piece.failure(
        at: second, "one \(SGML.written(second, bytes)) in a record",
        "another, behind \(Bytes.quoted(content(element, isTopic: isTopic)))")
    }
    let id = content(element, isTopic: isTopic)
    if let problem = RecordID.problem(with: id) {
      throw piece.failure(problem.expected, problem.found)
    }
    return (id, try text(elements, options.fields, isTopic: isTopic, piece.failure))
  }

  /// Refuses a record that is not closed, or not by its own tag.
  private static func checkEnd(_ piece: Piece) throws(Failure) {
    let bytes = piece.bytes
    let own = piece.isTopic ? "top" : "DOC"
    let end = bytes.endIndex - 6
    if end > bytes.startIndex, SGML.isRecordEnd(bytes, at: end) {
      let name = bytes[(end + 2)...].first.map { $0 | 0x20 }
      if name == own.utf8.first.map({ $0 | 0x20 }) { return }
      throw piece.failure(
        at: end, "</\(own)> for the <\(own)> in line \(piece.line)", SGML.written(end, bytes))
    }
    if piece.isAtEnd { throw piece.failure("</\(own)>", "the end of the file") }
    throw piece.failure(
      at: bytes.endIndex, "</\(own)> for the <\(own)> in line \(piece.line)",
      piece.next ?? "another <\(own)>")
  }

  /// What is wrong with the bytes of a record, and in which of its lines, counted from 0.
  private static func problem(
    _ bytes: ArraySlice<UInt8>
  ) -> (line: Int, expected: String, found: String)? {
    bytes.withUnsafeBytes { bytes in
      if TextCheck.problem(bytes, 0..<bytes.count) == nil { return nil }
      var start = 0
      var line = 0
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: Bytes.newline) ?? bytes.count
        if let problem = TextCheck.problem(bytes, start..<end) {
          return (line, problem.expected, problem.found)
        }
        start = end + 1
        line += 1
      }
      return nil
    }
  }

  private static func text(
    _ elements: [SGML.Element], _ fields: [String], isTopic: Bool,
    _ failure: (String, String) -> Failure
  ) throws(Failure) -> [UInt8] {
    let fields = fields.isEmpty && isTopic ? ["title"] : fields.map { $0.lowercased() }
    var parts: [[UInt8]] = []
    if fields.isEmpty {
      for element in elements where !dropped.contains(element.name) {
        parts.append(content(element, isTopic: isTopic))
      }
    }
    for field in fields {
      // Topics leave their elements open, so only the innermost one says where a piece belongs.
      let found = elements.filter { isTopic ? $0.name == field : $0.path.contains(field) }
      if found.isEmpty { throw failure("<\(field)>", "none") }
      parts.append(contentsOf: found.map { content($0, isTopic: isTopic) })
    }
    return Array(parts.filter { !$0.isEmpty }.joined(separator: [Bytes.space]))
  }

  /// An element's text, in a topic without the label before it.
  private static func content(_ element: SGML.Element, isTopic: Bool) -> [UInt8] {
    var text = SGML.normalized(element.content)
    if isTopic, let label = labels[element.name]?.utf8,
      text.prefix(label.count).map({ $0 | 0x20 }).elementsEqual(label.map { $0 | 0x20 })
    {
      text = SGML.normalized(text.dropFirst(label.count))
    }
    return text
  }
}

/// As much SGML as TREC's collections need: tags without nesting.
enum SGML {
  /// The text behind a tag, up to the next one.
  struct Element {
    /// Names of the tags that are open, in lower case, the innermost last.
    var path: [String]
    /// Name of the innermost one.
    var name: String { path.last ?? "" }
    var content: ArraySlice<UInt8>
  }

  /// Whether `<name` stands at `index`, in any case, as a whole word.
  static func isTag(_ bytes: ArraySlice<UInt8>, _ name: String, at index: Int) -> Bool {
    let end = index + 1 + name.utf8.count
    guard end < bytes.endIndex, bytes[index] == UInt8(ascii: "<"),
      bytes[(index + 1)..<end].elementsEqual(name.utf8, by: { $0 | 0x20 == $1 | 0x20 })
    else { return false }
    return bytes[end] == UInt8(ascii: ">") || Bytes.isSpace(bytes[end])
  }

  /// Whether a `</doc>` or `</top>` stands at `index`.
  static func isRecordEnd(_ bytes: ArraySlice<UInt8>, at index: Int) -> Bool {
    guard index + 6 <= bytes.endIndex, bytes[index] == UInt8(ascii: "<"),
      bytes[index + 1] == UInt8(ascii: "/"), bytes[index + 5] == UInt8(ascii: ">")
    else { return false }
    let name = (bytes[index + 2] | 0x20, bytes[index + 3] | 0x20, bytes[index + 4] | 0x20)
    return name == (UInt8(ascii: "d"), UInt8(ascii: "o"), UInt8(ascii: "c"))
      || name == (UInt8(ascii: "t"), UInt8(ascii: "o"), UInt8(ascii: "p"))
  }

  /// Whether a `<doc>` or `<top>` stands at `index`.
  static func isRecordStart(_ bytes: ArraySlice<UInt8>, at index: Int) -> Bool {
    isTag(bytes, "doc", at: index) || isTag(bytes, "top", at: index)
  }

  /// Where a tag of this name stands from `start` on; nil if there is none.
  static func tag(_ name: String, after start: Int, _ bytes: ArraySlice<UInt8>) -> Int? {
    bytes[start...].indices.first { isTag(bytes, name, at: $0) }
  }

  /// A tag as it is written.
  static func written(_ index: Int, _ bytes: ArraySlice<UInt8>) -> String {
    let end = bytes[index...].firstIndex(of: UInt8(ascii: ">")) ?? bytes.endIndex - 1
    return String(decoding: bytes[index...end], as: UTF8.self)
  }

  /// The offset where the record ends that starts behind the space at `start`: behind the first
  /// `</doc>` or `</top>`, or in front of a `<doc>` or `<top>` that another one starts with; nil if
  /// there is none.
  ///
  /// So a record that is not closed takes nothing of the next one with it.
  static func elementEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    guard let begin = bytes[start...].firstIndex(where: { !Bytes.isSpace($0) }) else { return nil }
    var index = begin
    while index + 5 <= bytes.count {
      guard let next = bytes[index...].firstIndex(of: UInt8(ascii: "<")) else { return nil }
      if isRecordEnd(bytes[...], at: next) { return next + 6 }
      if next > begin, isRecordStart(bytes[...], at: next) { return next }
      index = next + 1
    }
    return nil
  }

  /// Where the last record ends that has an end, and how many there are; nil if there is none.
  static func records(_ bytes: [UInt8]) -> (end: Int, count: Int)? {
    var result: (end: Int, count: Int)?
    var index = 0
    while let end = elementEnd(bytes, from: index) {
      result = (end, (result?.count ?? 0) + 1)
      index = end
    }
    return result
  }

  /// The pieces of text of one record, each with the tag that it stands under.
  ///
  /// A piece stands under the tag that was opened last and not closed; topics never close theirs.
  static func elements(_ bytes: ArraySlice<UInt8>) -> [Element] {
    var elements: [Element] = []
    var open: [String] = []
    var index = bytes.startIndex
    var textStart = index
    while index < bytes.endIndex {
      guard bytes[index] == UInt8(ascii: "<"), index + 1 < bytes.endIndex,
        isTagStart(bytes[index + 1]),
        let end = bytes[(index + 1)...].firstIndex(where: {
          $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "<")
        }), bytes[end] == UInt8(ascii: ">")
      else {
        index += 1
        continue
      }
      if textStart < index {
        elements.append(Element(path: open, content: bytes[textStart..<index]))
      }
      let tag = bytes[(index + 1)..<end]
      let isClosing = tag.first == UInt8(ascii: "/")
      let name = String(
        decoding: (isClosing ? tag.dropFirst() : tag).prefix { !Bytes.isSpace($0) }, as: UTF8.self
      ).lowercased()
      if isClosing {
        if let match = open.lastIndex(of: name) { open.removeSubrange(match...) }
      } else if tag.last != UInt8(ascii: "/"), tag.first != UInt8(ascii: "!") {
        open.append(name)
      }
      index = end + 1
      textStart = index
    }
    return elements
  }

  private static func isTagStart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "/") || byte == UInt8(ascii: "!")
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static let entities: [(name: [UInt8], byte: UInt8)] = [
    (Array("amp;".utf8), UInt8(ascii: "&")), (Array("lt;".utf8), UInt8(ascii: "<")),
    (Array("gt;".utf8), UInt8(ascii: ">")), (Array("quot;".utf8), UInt8(ascii: "\"")),
    (Array("apos;".utf8), UInt8(ascii: "'")),
  ]

  /// Text with single spaces between words, none at its ends, and entities resolved.
  static func normalized(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    var isSpacePending = false
    while index < bytes.endIndex {
      var byte = bytes[index]
      index += 1
      if Bytes.isSpace(byte) {
        isSpacePending = !text.isEmpty
        continue
      }
      if byte == UInt8(ascii: "&") {
        for entity in entities where bytes[index...].starts(with: entity.name) {
          byte = entity.byte
          index += entity.name.count
          break
        }
      }
      if isSpacePending { text.append(Bytes.space) }
      isSpacePending = false
      text.append(byte)
    }
    return text
  }
}
