import Failures
import Streams

/// Ids of vectors that do not have them beside them: one a line.
final class RecordIDs {
  private let path: String
  private let reader: LineReader
  private var lines: [[UInt8]] = []
  private var next = 0
  private var firstLine = 1

  init(_ path: String) throws(Failure) {
    self.path = path
    reader = LineReader(try ByteReader(path), refusesMarks: true)
  }

  /// The next id.
  ///
  /// - Parameter count: How many there have to be, for messages.
  /// - Returns: The id.
  /// - Throws: 65 for a line that is no id, and where there is none left.
  func take(of count: Int) throws(Failure) -> [UInt8] {
    guard try fill() else {
      throw .data(
        path, "expected \(count) ids, as there are vectors, found \(firstLine + next - 1)")
    }
    let id = lines[next]
    let number = firstLine + next
    next += 1
    guard !id.isEmpty, id.allSatisfy({ $0 != 0 && $0 != 0x20 && !(0x09...0x0D).contains($0) })
    else {
      throw .line(
        path, number, expected: "an id without white space and NUL",
        found: id.isEmpty
          ? "an empty line" : "\"\(String(decoding: id.prefix(40), as: UTF8.self))\"")
    }
    return id
  }

  /// Checks that no id is left.
  ///
  /// - Throws: 65 where there is one.
  func finish(after count: Int) throws(Failure) {
    guard try fill() else { return }
    throw .data(path, "expected \(count) ids, as there are vectors, found more")
  }

  /// Reads the next block of lines where the last one is used up; false at the end.
  private func fill() throws(Failure) -> Bool {
    while next == lines.count {
      firstLine += lines.count
      lines = []
      next = 0
      guard let block = try reader.next() else { return false }
      block.forEachLine { line, _, _ in lines.append(Array(line)) }
    }
    return true
  }
}
