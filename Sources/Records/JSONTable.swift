import Failures
import JSON

/// A run or judgements as one object, `{"query": {"document": number}}`: what ranx and pytrec_eval write.
struct JSONTable {
  private let file: String
  private var text: [UInt8] = []

  init(file: String) { self.file = file }

  /// Whether a text begins like such an object, and not like a line of JSON lines.
  static func recognizes(_ text: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    func skipSpace() {
      while position < text.count, Bytes.isSpace(text[position]) { position += 1 }
    }
    func take(_ byte: Unicode.Scalar) -> Bool {
      skipSpace()
      guard position < text.count, text[position] == UInt8(ascii: byte) else { return false }
      position += 1
      return true
    }
    guard take("{") else { return false }
    if take("}") {
      skipSpace()
      return position == text.count
    }
    guard take("\"") else { return false }
    while position < text.count, text[position] != UInt8(ascii: "\"") {
      position += text[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return take("\"") && take(":") && take("{")
  }

  /// Appends a piece of the text.
  mutating func append(_ piece: UnsafeRawBufferPointer) { text.append(contentsOf: piece) }

  /// Calls `body` with each number, the ids of its query and document, and the line it stands in.
  ///
  /// - Throws: 65 where the text is no such object, or an id cannot be one.
  func forEach(
    _ body: (_ query: [UInt8], _ doc: [UInt8], _ value: JSON, _ line: Int) throws(Failure) -> Void
  ) throws(Failure) {
    var lines = LineCounter()
    try text.withBytes { text throws(Failure) in
      var parser = JSONParser(text)
      let wrap = { (error: JSONError) -> Failure in failure(error, text) }
      try parser.object(
        { parser, query throws(Failure) in
          let query = try id(query, lines.line(at: parser.position, text))
          try parser.object(
            { parser, doc throws(Failure) in
              let line = lines.line(at: parser.position, text)
              let doc = try id(doc, line)
              let value: JSON
              do throws(JSONError) { value = try parser.value() } catch { throw wrap(error) }
              try body(query, doc, value, line)
            }, wrap: wrap)
        }, wrap: wrap)
      do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    }
  }

  private func id(_ text: String, _ line: Int) throws(Failure) -> [UInt8] {
    let id = Array(text.utf8)
    if let problem = RecordID.problem(with: id) {
      throw .line(file, line, expected: problem.expected, found: problem.found)
    }
    return id
  }

  private func failure(_ error: JSONError, _ text: UnsafeRawBufferPointer) -> Failure {
    var lines = LineCounter()
    let line = lines.line(at: min(error.offset, text.count), text)
    return .line(
      file, line, expected: error.expected, found: "\(error.found) at byte \(error.offset + 1)")
  }
}

/// Numbers of lines, of places that only go forward.
private struct LineCounter {
  private var position = 0
  private var number = 1

  mutating func line(at place: Int, _ text: UnsafeRawBufferPointer) -> Int {
    while position < place {
      if text[position] == Bytes.newline { number += 1 }
      position += 1
    }
    return number
  }
}
