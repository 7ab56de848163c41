import Failures
import Streams

/// How far a run was written: all queries but the last one, which may not be whole.
package struct RunResumePoint: Equatable, Sendable {
  /// Bytes of the whole queries.
  package var bytes = 0
  /// Lines of the whole queries.
  package var lines = 0
  /// The last of the whole queries; nil where there is none.
  package var lastQuery: RecordID?

  /// The start of a run.
  package init() {}

  /// Reads an uncompressed run; what comes after its last newline counts for nothing.
  package static func find(in path: String) throws(Failure) -> RunResumePoint {
    var point = RunResumePoint()
    var current: RecordID?
    var offset = 0
    var lines = 0
    let reader = LineReader(try ByteReader(path))
    while let block = try reader.next() {
      let isWhole = block.bytes.last == 0x0A
      block.forEachLine { line, start, _ in
        let end = start + line.count
        if end >= block.bytes.count, !isWhole { return }
        let query = RecordID(Array(line.prefix { $0 != 0x20 }))
        if let before = current, before != query {
          point.bytes = offset + start
          point.lines = lines
          point.lastQuery = before
        }
        current = query
        lines += 1
      }
      offset += block.bytes.count
    }
    return point
  }
}
