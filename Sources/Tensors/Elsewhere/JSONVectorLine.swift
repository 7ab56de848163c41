import Failures
import Glibc
import JSON

/// One line of vectors.
///
/// They stand under `vector` or `vectors`. A line that has `embeddings`, and nothing that `lir-encode view`
/// does not write with them, has its vectors there; rows of bytes have `scales`, and those of tokens
/// `input_ids`.
struct JSONVectorLine {
  private(set) var id: [UInt8] = []
  /// The numbers of all vectors.
  private(set) var values: [Float] = []
  /// Numbers of each vector; 0 without one.
  private(set) var width = 0
  private(set) var isMultiple = false
  /// Terms and their weights, of a sparse vector; nil of others.
  private(set) var terms: [(text: [UInt8], weight: Float)]?
  /// Numbers of the vectors' tokens, where the line says them.
  private(set) var tokens: [Int32]?

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
    var (best, keys, known) = (Self.idKeys.count, [String](), Set<String>())
    var (line, hasVector) = (JSONVectorLine(), false)
    let isView = Self.isView(text)
    var scales: [Float] = []
    try text.withBytes { bytes throws(Failure) in
      var parser = JSONParser(bytes)
      try parser.object(
        { parser, key throws(Failure) in
          guard known.insert(key).inserted else {
            throw failure("each key once", "\"\(key)\" again")
          }
          keys.append(key)
          if key == "vector" || key == "vectors" {
            guard !hasVector else { throw failure("one of \"vector\" and \"vectors\"", "both") }
            hasVector = true
            line.isMultiple = key == "vectors"
            try line.read(&parser, failure, wrap)
            return
          }
          if isView, try line.readColumn(key, &parser, &scales, failure, wrap) {
            hasVector = hasVector || key == "embeddings"
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
    if keys.contains("scales"), isView { try line.scale(by: scales, failure) }
    self = line
  }

  private init() {}

  /// Whether a line is an object with vectors.
  static func hasVector(_ line: [UInt8]) -> Bool {
    let keys = keys(of: line)
    return keys.contains("vector") || keys.contains("vectors") || isView(keys)
  }

  private static func keys(of line: [UInt8]) -> [String] {
    var keys: [String] = []
    line.withUnsafeBytes { bytes in
      var parser = JSONParser(bytes)
      try? parser.object(
        { parser, key throws(JSONError) in
          keys.append(key)
          _ = try parser.value()
        }, wrap: { $0 })
    }
    return keys
  }

  // MARK: Lines of `lir-encode view`

  private static let columns = ["embeddings", "scales", "input_ids"]

  private static func isView(_ keys: [String]) -> Bool {
    keys.contains("embeddings") && keys.allSatisfy { columns.contains($0) || idKeys.contains($0) }
  }

  private static func isView(_ line: [UInt8]) -> Bool {
    // Lines are long, and most have another form; a list of numbers has no quotes.
    let mark = Array("\"embeddings\"".utf8)
    let mayBe = line.withUnsafeBytes { bytes in
      var place = 0
      while place + mark.count <= bytes.count {
        guard let base = bytes.baseAddress,
          let found = memchr(base + place, Int32(mark[0]), bytes.count - place)
        else { return false }
        place = base.distance(to: UnsafeRawPointer(found))
        if bytes[place...].starts(with: mark) { return true }
        place += 1
      }
      return false
    }
    guard mayBe else { return false }
    return isView(keys(of: line))
  }

  /// Reads a column of a record that was shown; false of other keys.
  private mutating func readColumn(
    _ key: String, _ parser: inout JSONParser, _ scales: inout [Float],
    _ failure: (String, String) -> Failure, _ wrap: (JSONError) -> Failure
  ) throws(Failure) -> Bool {
    switch key {
    case "embeddings":
      guard parser.isAtArray() else {
        throw failure("a list under \"embeddings\"", "something else")
      }
      isMultiple = !parser.isAtArrayOfNumbers()
      try read(&parser, failure, wrap)
    case "scales":
      var line = JSONVectorLine()
      if parser.isAtArray() {
        _ = try line.row(&parser, failure, wrap)
        scales = line.values
      } else {
        scales = [try Self.number(&parser, failure, wrap)]
      }
    case "input_ids":
      var numbers: [Int32] = []
      try parser.array(
        { parser throws(Failure) in
          let number: Int
          do throws(JSONError) { number = try parser.integer() } catch { throw wrap(error) }
          guard let token = Int32(exactly: number) else {
            throw failure("numbers of tokens under \"input_ids\"", "\(number)")
          }
          numbers.append(token)
        }, wrap: wrap)
      tokens = numbers
    default: return false
    }
    return true
  }

  /// Multiplies each vector with its scale.
  private mutating func scale(
    by scales: [Float], _ failure: (String, String) -> Failure
  ) throws(Failure) {
    let count = width == 0 ? 0 : values.count / width
    guard scales.count == count else {
      throw failure("\(count) numbers under \"scales\", as many as vectors", "\(scales.count)")
    }
    for place in values.indices { values[place] *= scales[place / width] }
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
