import Failures
import Streams

/// How far a run was written that is kept as compressed texts of whole queries, one after the other,
/// each with a checksum behind it.
package struct RunResumePoint: Equatable, Sendable {
  /// Bytes of the whole texts in the file.
  package var bytes = 0
  /// Lines of the whole texts.
  package var lines = 0
  /// The last query; nil where there is none.
  package var lastQuery: RecordID?

  /// The start of a run.
  package init() {}

  /// Reads a partial run; a text that is cut or damaged counts for nothing, nor does what follows it.
  ///
  /// - Throws: 66 or 74 where the file cannot be read.
  package static func find(in path: String) throws(Failure) -> RunResumePoint {
    let reader = try ByteReader(path, allowingEmpty: true)
    var point = RunResumePoint()
    var text = TextSoFar()
    do throws(Failure) {
      var buffer = [UInt8](repeating: 0, count: 1 << 18)
      while true {
        let count = try buffer.withUnsafeMutableBufferPointer { memory throws(Failure) in
          try reader.read(into: UnsafeMutableRawBufferPointer(memory))
        }
        // The trailer of a text is read in front of what comes behind it.
        point.take(text, reader.trailerBoundaries.last)
        if count == 0 { break }
        text.append(buffer[..<count])
      }
    } catch {
      // A cut end is what a killed process leaves; damage costs what is behind it, too.
      guard error.status == .data || error.status == .config else { throw error }
      point.take(text, reader.trailerBoundaries.last)
    }
    return point
  }

  /// Goes on to the end of a text, if its trailer was read.
  private mutating func take(_ text: TextSoFar, _ end: Int?) {
    guard let end, end > bytes else { return }
    bytes = end
    lines = text.lines
    lastQuery = text.lastQuery ?? lastQuery
  }

  /// Counts lines, and keeps the last one.
  private struct TextSoFar {
    private(set) var lines = 0
    /// The last whole line and what is there of the next.
    private var tail: [UInt8] = []

    mutating func append(_ bytes: ArraySlice<UInt8>) {
      lines += bytes.count { $0 == Bytes.newline }
      tail += bytes
      guard let last = tail.lastIndex(of: Bytes.newline),
        let before = tail[..<last].lastIndex(of: Bytes.newline)
      else { return }
      tail.removeSubrange(...before)
    }

    /// The query of the last whole line.
    var lastQuery: RecordID? {
      tail.contains(Bytes.newline) ? RecordID(Array(tail.prefix { $0 != Bytes.space })) : nil
    }
  }
}
