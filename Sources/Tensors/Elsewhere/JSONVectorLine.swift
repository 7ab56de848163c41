import Failures
import JSON

/// One line of vectors.
struct JSONVectorLine {
  private(set) var id: [UInt8] = []
  /// The numbers of all vectors.
  private(set) var values: [Float] = []
  /// Numbers of each vector; 0 without one.
  private(set) var width = 0
  private(set) var isMultiple = false
  /// Terms and their weights, of a sparse vector; nil of others.
  private(set) var terms: [(text: [UInt8], weight: Float)]?

  /// Keys of ids, of which the first counts that a line has: those of text records.
  private static let idKeys = [
    "_id", "id", "pid", "doc_id", "docid", "docno", "query_id", "qid",
  ]

  /// - Parameters:
  ///   - text: The line.
  ///   - file: The file's name, for messages.
  ///   - number: The line's number.
  /// - Throws: 65 for a line of another form.
  init(_ text: [UInt8], _ file: String, _ number: Int) throws(Failure) {
    let wrap = { (error: JSONError) in
      Failure.line(
        file, number, expected: error.expected,
        found: "\(error.found) at byte \(error.offset + 1) of the line")
    }
    func failure(_ expected: String, _ found: String) -> Failure {
      .line(file, number, expected: expected, found: found)
    }
    var (best, keys) = (Self.idKeys.count, [String]())
    var (line, hasVector) = (JSONVectorLine(), false)
    try text.withBytes { bytes throws(Failure) in
      var parser = JSONParser(bytes)
      try parser.object(
        { parser, key throws(Failure) in
          guard !keys.contains(key) else { throw failure("each key once", "\"\(key)\" again") }
          keys.append(key)
          if key == "vector" || key == "vectors" {
            guard !hasVector else { throw failure("one of \"vector\" and \"vectors\"", "both") }
            hasVector = true
            line.isMultiple = key == "vectors"
            try line.read(&parser, failure, wrap)
            return
          }
          let value: JSON
          do throws(JSONError) { value = try parser.value() } catch { throw wrap(error) }
          guard let place = Self.idKeys.firstIndex(of: key), place < best else { return }
          best = place
          line.id = try Self.id(value, key, failure)
        }, wrap: wrap)
      do throws(JSONError) { try parser.finish() } catch { throw wrap(error) }
    }
    let found =
      keys.isEmpty ? "no key" : "the keys " + keys.map { "\"\($0)\"" }.joined(separator: ", ")
    guard hasVector else { throw failure("\"vector\" or \"vectors\"", found) }
    guard best < Self.idKeys.count else { throw failure("an id under \"id\"", found) }
    self = line
  }

  private init() {}

  /// Whether a line is an object with vectors.
  static func hasVector(_ line: [UInt8]) -> Bool {
    var found = false
    line.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes)
      try? parser.object(
        { parser, key throws(JSONError) in
          if key == "vector" || key == "vectors" { found = true }
          _ = try parser.value()
        }, wrap: { $0 })
    }
    return found
  }

  private static func id(
    _ value: JSON, _ key: String, _ failure: (String, String) -> Failure
  ) throws(Failure) -> [UInt8] {
    switch value {
    case .string(let text): return Array(text.utf8)
    case .integer(let number): return Array(String(number).utf8)
    default: throw failure("a string or an integer under \"\(key)\"", value.kindName)
    }
  }

  /// Reads a list of numbers, or a list of such lists.
  private mutating func read(
    _ parser: inout JSONParser, _ failure: (String, String) -> Failure,
    _ wrap: (JSONError) -> Failure
  ) throws(Failure) {
    guard parser.isAtArray() else {
      if !isMultiple, parser.isAtObject() {
        terms = try Self.terms(&parser, failure, wrap)
        return
      }
      throw failure(
        isMultiple ? "a list of vectors under \"vectors\"" : "a list of numbers under \"vector\"",
        "something else")
    }
    guard isMultiple else {
      width = try row(&parser, failure, wrap)
      return
    }
    var widths: [Int] = []
    var line = self
    try parser.array(
      { parser throws(Failure) in
        guard parser.isAtArray() else {
          throw failure("a list of vectors under \"vectors\"", "a list of something else")
        }
        widths.append(try line.row(&parser, failure, wrap))
        guard widths.last == widths[0] else {
          throw failure("vectors of \(widths[0]) numbers, as the first", "\(widths.last ?? 0)")
        }
      }, wrap: wrap)
    self = line
    width = widths.first ?? 0
  }

  /// Reads one vector; how many numbers it has.
  private mutating func row(
    _ parser: inout JSONParser, _ failure: (String, String) -> Failure,
    _ wrap: (JSONError) -> Failure
  ) throws(Failure) -> Int {
    var row: [Float] = []
    try parser.array(
      { parser throws(Failure) in
        row.append(try Self.number(&parser, failure, wrap))
      }, wrap: wrap)
    values += row
    return row.count
  }

  private static func number(
    _ parser: inout JSONParser, _ failure: (String, String) -> Failure,
    _ wrap: (JSONError) -> Failure
  ) throws(Failure) -> Float {
    let range: Range<Int>
    do throws(JSONError) { range = try parser.numberRange() } catch { throw wrap(error) }
    let text = String(decoding: parser.slice(range), as: UTF8.self)
    guard let number = Float(text), number.isFinite else {
      throw failure("numbers that fit single precision", text)
    }
    return number
  }

  /// Reads an object of terms and weights.
  private static func terms(
    _ parser: inout JSONParser, _ failure: (String, String) -> Failure,
    _ wrap: (JSONError) -> Failure
  ) throws(Failure) -> [(text: [UInt8], weight: Float)] {
    var terms: [(text: [UInt8], weight: Float)] = []
    try parser.objectOfBytes(
      { parser, key throws(Failure) in
        let text = Array(key)
        terms.append((text, try number(&parser, failure, wrap)))
      }, wrap: wrap)
    return terms
  }
}
