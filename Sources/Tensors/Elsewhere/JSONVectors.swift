import Failures
import JSON
import Streams

/// Vectors as JSON lines: `{"id","vector":[…]}`, with several vectors a text
/// `{"id","vectors":[[…]…]}`, and Pyserini's `{"id","contents","vector":[…]}`.
final class JSONVectors: VectorRecordSource {
  let schema: StreamSchema
  private let reader: LineReader
  private let input: ByteReader
  private let width: Int
  private var lines: [(text: [UInt8], number: Int)] = []
  private var next = 0

  /// - Throws: 65 where the first line is no such object.
  init(_ input: ByteReader) throws(Failure) {
    self.input = input
    let reader = LineReader(input)
    var lines = try Self.read(reader)
    while let block = lines, block.isEmpty { lines = try Self.read(reader) }
    guard let first = lines?.first else {
      throw .data(input.name, "expected JSON lines of vectors, found none")
    }
    let record = try JSONVectorLine(first.text, input.name, first.number)
    width = record.width
    guard width > 0 else {
      throw .line(
        input.name, first.number, expected: "a vector of at least one number", found: "none")
    }
    schema =
      record.isMultiple
      ? .multivector(.f32, dimension: width, withTokens: false) : .dense(.f32, dimension: width)
    self.reader = reader
    self.lines = lines ?? []
  }

  var extent: InputExtent {
    InputExtent(read: input.consumed, total: input.size > 0 ? input.size : nil)
  }

  /// The lines of the next block that are not empty; nil at the end.
  private static func read(
    _ reader: LineReader
  ) throws(Failure) -> [(text: [UInt8], number: Int)]? {
    guard let block = try reader.next() else { return nil }
    var lines: [(text: [UInt8], number: Int)] = []
    block.forEachLine { line, _, number in
      if !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { lines.append((Array(line), number)) }
    }
    return lines
  }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    while next == lines.count {
      guard let block = try Self.read(reader) else { return false }
      (lines, next) = (block, 0)
    }
    let (text, number) = lines[next]
    next += 1
    let record = try JSONVectorLine(text, input.name, number)
    let isMultiple = schema.kind == .multivector
    guard record.isMultiple == isMultiple else {
      throw .line(
        input.name, number, expected: isMultiple ? "\"vectors\", as above" : "\"vector\", as above",
        found: record.isMultiple ? "\"vectors\"" : "\"vector\"")
    }
    // A text without a vector of its own is one of none.
    guard record.width == width || (isMultiple && record.values.isEmpty) else {
      throw .line(
        input.name, number, expected: "\(width) numbers in a vector, as above",
        found: "\(record.width)")
    }
    try segment.append(id: record.id, items: record.values.count / width) { bytes in
      record.values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    return true
  }
}

/// One line of vectors.
struct JSONVectorLine {
  private(set) var id: [UInt8] = []
  /// The numbers of all vectors.
  private(set) var values: [Float] = []
  /// Numbers of each vector; 0 without one.
  private(set) var width = 0
  private(set) var isMultiple = false

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
        let range: Range<Int>
        do throws(JSONError) { range = try parser.numberRange() } catch { throw wrap(error) }
        let text = String(decoding: parser.slice(range), as: UTF8.self)
        guard let number = Float(text), number.isFinite else {
          throw failure("numbers that fit single precision", text)
        }
        row.append(number)
      }, wrap: wrap)
    values += row
    return row.count
  }
}
