import Failures
import Streams

/// What a run says of itself in comments at its head, as ir_metadata has it: YAML about platform,
/// research goal, implementation, method, actor and data between two marks.
///
/// ```
/// # ir_metadata.start
/// # schema-version: 0.2
/// # method:
/// #   automatic: true
/// # ir_metadata.end
/// ```
///
/// Breuer, Keller and Schaer, "ir_metadata: An Extensible Metadata Schema for IR Experiments",
/// SIGIR 2022.
package enum RunMetadata {
  private static let start = "ir_metadata.start"
  private static let end = "ir_metadata.end"

  /// The YAML at the head of a run, each line ended; nil where there is none.
  ///
  /// - Throws: 65 where the second mark is missing, or a line between them is no comment.
  package static func read(_ operand: String) throws(Failure) -> String? {
    let lines = LineReader(try ByteReader(operand))
    var text: String?
    var result: String?
    while let block = try lines.next() {
      var isOver = false
      try block.forEachLine { line, _, number throws(Failure) in
        if isOver { return }
        guard LineFields.isIgnored(line) else {
          if text != nil { throw unfinished(operand, number, "a line of the run") }
          isOver = true
          return
        }
        guard let comment = comment(line) else { return }
        switch trimmed(comment) {
        case start where text == nil: text = ""
        case end where text != nil:
          result = text
          isOver = true
        default: text = text.map { $0 + comment + "\n" }
        }
      }
      if isOver { return result }
    }
    if text != nil { throw unfinished(operand, nil, "the end of the file") }
    return nil
  }

  private static func unfinished(_ operand: String, _ line: Int?, _ found: String) -> Failure {
    .data(
      line.map { "\(operand):\($0)" } ?? operand, "expected a comment with \(end), found \(found)")
  }

  /// A comment without its `#` and one space behind it; nil for a blank line.
  private static func comment(_ line: UnsafeRawBufferPointer) -> String? {
    guard let mark = line.firstIndex(of: UInt8(ascii: "#")) else { return nil }
    var rest = line[(mark + 1)...]
    if rest.first == Bytes.space { rest = rest.dropFirst() }
    return String(decoding: rest, as: UTF8.self)
  }

  private static func trimmed(_ text: String) -> String {
    text.split(separator: " ").joined(separator: " ")
  }
}
