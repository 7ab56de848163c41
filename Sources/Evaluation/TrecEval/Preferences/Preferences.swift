import Failures
import Records

/// Preferences of judges between documents: a higher level is preferred, within a group of
/// documents of one judge.
struct Preferences: Sendable {
  /// One line.
  struct Line: Sendable {
    var judge: RecordID
    var group: RecordID
    var doc: RecordID
    var level: Double
  }

  /// Where they came from.
  let name: String
  private var lines: [RecordID: [Line]]
  /// The queries, ordered.
  let queries: [RecordID]

  /// Reads `query judge group doc level`, or without the group as judgements have it.
  init(_ path: String, hasGroups: Bool) throws(Failure) {
    var lines: [RecordID: [Line]] = [:]
    let names = ["query", "judge"] + (hasGroups ? ["group"] : []) + ["doc", "level"]
    let last = names.count - 1
    try TrecFile.forEachLine(path, names: names) { fields, number throws(Failure) in
      let level = try TrecFile.number(fields, last, path, number)
      let line = Line(
        judge: RecordID(fields[1]), group: hasGroups ? RecordID(fields[2]) : "0",
        doc: RecordID(fields[last - 1]), level: level)
      lines[RecordID(fields[0]), default: []].append(line)
    }
    name = path
    self.lines = lines
    queries = lines.keys.sorted()
  }

  /// The lines of a query.
  func lines(of query: RecordID) -> [Line] { lines[query] ?? [] }
}
