import Failures
import JSON

/// Records of JSON objects, one a line.
enum JSONLRecords {
  /// Keys of the id; the first that is present counts.
  static let idKeys = ["_id", "id", "doc_id", "docid", "docno", "query_id", "qid"]
  /// Keys of the text; the first that is present counts.
  static let textKeys = ["text", "contents", "body", "query"]
  /// Keys of a pair, in the order of its TSV form.
  static let pairKeys = ["query_id", "doc_id", "query", "doc"]
  private static let titleKey = "title"

  /// The records of a block of lines.
  static func parse(
    _ block: consuming RecordBlock, _ options: RecordOptions
  ) throws(Failure) -> RecordBatch {
    var bytes: [UInt8] = []
    swap(&bytes, &block.bytes)
    var builder = BatchBuilder(block, bytes: [], onError: options.onError)
    builder.batch.bytes.reserveCapacity(bytes.count)
    let layout = Layout(options)
    let (kept, first, file) = (block.kept, block.firstLine, block.file)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var position = 0
      var start = 0
      while start < raw.count, position < kept.upperBound {
        let next = TextCheck.find(Bytes.newline, raw, start..<raw.count) ?? raw.count
        defer { start = next + 1; position += 1 }
        if position < kept.lowerBound { continue }
        let line = UnsafeRawBufferPointer(UnsafeRawBufferPointer(rebasing: raw[start..<next]))
        do throws(Failure) {
          let row = try JSONRow(line, layout.keys, place: (file, first + position))
          try layout.append(row, position: position, line: first + position, to: &builder)
        } catch { try builder.reject(error) }
      }
    }
    return builder.batch
  }

  /// Which keys matter, and how a record is made of them.
  private struct Layout {
    var keys: [String]
    private let content: RecordContent
    private let fieldCount: Int

    init(_ options: RecordOptions) {
      content = options.content
      fieldCount = options.fields.count
      switch options.content {
      case .pairs: keys = pairKeys
      case .texts:
        keys = idKeys + (options.fields.isEmpty ? textKeys + [titleKey] : options.fields)
      }
    }

    func append(
      _ row: JSONRow, position: Int, line: Int, to builder: inout BatchBuilder
    ) throws(Failure) {
      if content == .pairs {
        var id = try row.id(at: [0], names: "\"query_id\"")
        id.append(Bytes.tab)
        id.append(contentsOf: try row.id(at: [1], names: "\"doc_id\""))
        var text = try row.text(at: 2)
        let split = text.count
        text.append(Bytes.tab)
        text.append(contentsOf: try row.text(at: 3))
        builder.append(id: id, text: text, split: split, position: position, line: line)
        return
      }
      let idCount = idKeys.count
      let id = try row.id(at: Array(0..<idCount), names: "\"_id\" or \"id\"")
      let text =
        fieldCount == 0 ? try usualText(row, from: idCount) : try fields(row, from: idCount)
      builder.append(id: id, text: text, position: position, line: line)
    }

    /// The fields that were asked for, joined by one space.
    private func fields(_ row: JSONRow, from start: Int) throws(Failure) -> [UInt8] {
      // A key of the id may be asked for as a field too; it is held under its first position.
      var text: [UInt8] = []
      for i in 0..<fieldCount {
        if i > 0 { text.append(Bytes.space) }
        let index = keys.firstIndex(of: keys[start + i]) ?? start + i
        text.append(contentsOf: try row.text(at: index))
      }
      return text
    }

    /// Title and text, as BEIR joins them, or the first of the other keys; the title where there is
    /// nothing else.
    private func usualText(_ row: JSONRow, from start: Int) throws(Failure) -> [UInt8] {
      let texts = start..<(start + textKeys.count)
      guard let index = texts.first(where: { row.isPresent($0) }) else {
        // A topic of TREC, as ir_datasets writes it: title, description and narrative.
        if row.isPresent(texts.upperBound) { return try row.text(at: texts.upperBound) }
        throw row.failure(
          expected: textKeys.map { "\"\($0)\"" }.joined(separator: " or "), found: "none of them")
      }
      let text = try row.text(at: index)
      let title = texts.upperBound
      guard index == start, row.isPresent(title) else { return text }
      var whole = try row.text(at: title)
      if whole.isEmpty || text.isEmpty { return whole + text }
      whole.append(Bytes.space)
      whole.append(contentsOf: text)
      return whole
    }
  }
}

/// The members of one JSON line that matter.
struct JSONRow {
  private let keys: [String]
  /// One value a key; null where it is absent or null.
  private var values: [JSON]
  private let place: (file: String, line: Int)

  /// Parses a line that must be one object.
  init(
    _ line: UnsafeRawBufferPointer, _ keys: [String], place: (file: String, line: Int)
  ) throws(Failure) {
    self.keys = keys
    self.place = place
    var values = [JSON](repeating: .null, count: keys.count)
    var seen: UInt64 = 0
    var parser = JSONParser(line)
    let wrap = { (error: JSONError) -> Failure in
      Failure.line(
        place.file, place.line, expected: error.expected,
        found: "\(error.found) at byte \(error.offset + 1) of the line")
    }
    try parser.object(
      { parser, key throws(Failure) in
        let value: JSON
        do throws(JSONError) { value = try parser.value() } catch { throw wrap(error) }
        guard let index = keys.firstIndex(where: { $0.utf8.elementsEqual(key.utf8) }) else {
          return
        }
        if seen & 1 << UInt64(index) != 0 {
          throw Failure.line(
            place.file, place.line, expected: "each key once", found: "\"\(key)\" again")
        }
        seen |= 1 << UInt64(index)
        values[index] = value
      }, wrap: wrap)
    do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    self.values = values
  }

  /// Whether a key has a value that is not null.
  func isPresent(_ index: Int) -> Bool { !values[index].isNull }

  /// The value of a key.
  func value(_ index: Int) -> JSON { values[index] }

  /// A failure at this line.
  func failure(expected: String, found: String) -> Failure {
    .line(place.file, place.line, expected: expected, found: found)
  }

  /// The id under the first of some keys that is present: a string or an integer.
  func id(at indices: [Int], names: String) throws(Failure) -> [UInt8] {
    guard let index = indices.first(where: isPresent) else {
      throw failure(expected: "an id under \(names)", found: "none")
    }
    let id: [UInt8]
    switch values[index] {
    case .string(let text): id = Array(text.utf8)
    case .integer(let number): id = Array(String(number).utf8)
    default:
      throw failure(
        expected: "a string or an integer under \"\(keys[index])\"", found: values[index].kindName)
    }
    if let problem = BatchBuilder.problem(withID: id) {
      throw failure(expected: problem.expected, found: problem.found)
    }
    return id
  }

  /// The text under a key.
  func text(at index: Int) throws(Failure) -> [UInt8] {
    switch values[index] {
    case .string(let text):
      let bytes = Array(text.utf8)
      if bytes.contains(0) {
        throw failure(expected: "text without NUL", found: "a NUL under \"\(keys[index])\"")
      }
      return bytes
    case .null: throw failure(expected: "a string under \"\(keys[index])\"", found: "none")
    default:
      throw failure(expected: "a string under \"\(keys[index])\"", found: values[index].kindName)
    }
  }
}
