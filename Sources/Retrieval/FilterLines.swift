import Failures
import Records
import Streams

/// The lines of a filter file.
enum FilterLines {
  /// Calls `body` with the query, if the line names one, and the document of every line.
  static func read(
    _ path: String, _ body: (_ query: [UInt8]?, _ doc: [UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    let reader = LineReader(try ByteReader(path), refusesMarks: true)
    while let block = try reader.next() {
      try block.forEachLine { (line, _, number) throws(Failure) in
        if line.isEmpty { return }
        let parts = line.split(separator: 0x09, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
          throw .line(
            path, number, expected: "a document id, or a query and a document id",
            found: "\(parts.count) fields")
        }
        for part in parts {
          guard let problem = RecordID.problem(with: part) else { continue }
          throw .data(
            "\(path):\(number)", "expected \(problem.expected), found \(problem.found)",
            hint: "a tab stands between a query and a document")
        }
        try body(parts.count == 2 ? Array(parts[0]) : nil, Array(parts[parts.count - 1]))
      }
    }
  }
}
