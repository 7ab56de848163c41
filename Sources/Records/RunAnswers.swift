import Failures
import Streams
import Workers

/// The answers of a search that is asked one query after the other: lines of JSON, and behind those of
/// each query the comment that `RunOutput` writes there.
package struct RunAnswers {
  private let reader: LineReader
  private let pool = WorkerPool(threads: 1)
  /// Lines that were read and belong to no answer yet.
  private var lines: [UInt8] = []
  /// Bytes at their start that hold no mark.
  private var searched = 0
  private var firstLine = 1
  private var isAtEnd = false

  /// One answer: the lines of a query, or of several where no mark parts them.
  package struct Answer {
    package let run: Run
    /// The query that the mark behind it names; nil at the end of an input without one.
    package let query: RecordID?
  }

  package init(_ bytes: ByteReader) { reader = LineReader(bytes, refusesMarks: true) }

  /// The next answer, as soon as it is whole; nil at the end.
  ///
  /// - Throws: 65 for a malformed line.
  package mutating func next() throws(Failure) -> Answer? {
    while true {
      if let mark = findMark() { return try answer(mark.range, mark.query) }
      if isAtEnd {
        return lines.isEmpty ? nil : try answer(lines.count..<lines.count, nil)
      }
      guard let block = try reader.next(eager: true) else {
        isAtEnd = true
        continue
      }
      lines += block.bytes
    }
  }

  /// Takes the lines in front of a mark.
  private mutating func answer(_ mark: Range<Int>, _ query: RecordID?) throws(Failure) -> Answer? {
    let bytes = Array(lines[..<mark.lowerBound])
    let count = lines[..<mark.upperBound].count { $0 == Bytes.newline }
    let block = LineBlock(
      bytes: bytes, firstLine: firstLine, lineCount: count - (query == nil ? 0 : 1))
    firstLine += count
    lines.removeSubrange(..<mark.upperBound)
    searched = 0
    let run = try RunReader.read(
      json: block, name: reader.name, keeping: [.texts], pool: pool)
    return Answer(run: run, query: query)
  }

  /// The first line that is a mark, with its newline, and the query that it names.
  private mutating func findMark() -> (range: Range<Int>, query: RecordID)? {
    let word = Array("# end ".utf8)
    while let end = lines[searched...].firstIndex(of: Bytes.newline) {
      let line = lines[searched..<end]
      if line.starts(with: word) {
        let name = line.dropFirst(word.count).filter { !Bytes.isSpace($0) }
        return (searched..<end + 1, RecordID(Array(name)))
      }
      searched = end + 1
    }
    return nil
  }
}
