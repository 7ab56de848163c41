import Failures
import Records
import Streams

/// Lines of white-space-separated fields, as trec_eval's inputs have them.
enum TrecFile {
  /// Calls `body` with the fields of each line that is neither blank nor a comment.
  ///
  /// - Throws: 65 where a line does not have as many fields as `names`, or the file has no line.
  static func forEachLine(
    _ path: String, names: [String],
    _ body: (_ fields: LineFields, _ number: Int) throws(Failure) -> Void
  ) throws(Failure) {
    let reader = LineReader(try ByteReader(path), refusesMarks: true)
    var count = 0
    while let block = try reader.next() {
      try block.forEachLine { line, _, number throws(Failure) in
        if LineFields.isIgnored(line) { return }
        let fields = LineFields(line)
        guard fields.count == names.count else {
          throw Failure.line(
            path, number, expected: "\(names.count) fields (\(names.joined(separator: " ")))",
            found: "\(fields.count)")
        }
        count += 1
        try body(fields, number)
      }
    }
    if count == 0 { throw .data(path, "expected lines, found none") }
  }

  /// A field that is a number.
  static func number(
    _ fields: LineFields, _ index: Int, _ path: String, _ line: Int
  ) throws(Failure) -> Double {
    guard let number = NumberText.double(fields[index]) else {
      throw .line(path, line, expected: "a finite number", found: fields.quoted(index))
    }
    return number
  }
}

/// Means and standard deviations of measures, `query measure mean deviation` a line.
struct ZScores: Sendable {
  /// What trec_eval prints where there is no mean.
  static let missing = -1_000_000.0

  private var entries: [RecordID: [String: (mean: Double, deviation: Double)]] = [:]

  init(_ path: String) throws(Failure) {
    var entries = entries
    let names = ["query", "measure", "mean", "deviation"]
    try TrecFile.forEachLine(path, names: names) { fields, number throws(Failure) in
      let mean = try TrecFile.number(fields, 2, path, number)
      let deviation = try TrecFile.number(fields, 3, path, number)
      let measure = String(decoding: fields[1], as: UTF8.self)
      entries[RecordID(fields[0]), default: [:]][measure] = (mean, deviation)
    }
    self.entries = entries
  }

  /// How many standard deviations a value lies above the mean.
  func score(_ value: Double, _ measure: String, query: RecordID) -> Double {
    guard let (mean, deviation) = entries[query]?[measure] else { return Self.missing }
    if deviation != 0 { return (value - mean) / deviation }
    return value == mean ? 0 : Self.missing
  }
}
