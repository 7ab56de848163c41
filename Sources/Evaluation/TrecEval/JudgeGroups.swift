import Failures
import Records

/// Judgements of several judges: `query judge doc grade` a line.
struct JudgeGroups: Sendable {
  /// Where they came from.
  let name: String
  /// The judgements of each judge, in the order of the judges' names.
  private(set) var judges: [Qrels] = []
  /// The queries that some judge judged, in the order of their ids.
  let queries: [RecordID]
  /// Number of judgements above grade 0.
  private(set) var relevantCount = 0

  init(_ path: String) throws(Failure) {
    name = path
    var builders: [RecordID: QrelsBuilder] = [:]
    var queries: Set<RecordID> = []
    var relevant = 0
    let names = ["query", "judge", "doc", "grade"]
    try TrecFile.forEachLine(path, names: names) { fields, number throws(Failure) in
      guard let grade = NumberText.integer(fields[3]) else {
        throw Failure.line(path, number, expected: "an integer grade", found: fields.quoted(3))
      }
      if grade > 0 { relevant += 1 }
      queries.insert(RecordID(fields[0]))
      builders[RecordID(fields[1]), default: QrelsBuilder(name: path)].add(
        query: fields[0], doc: fields[2], grade: grade, file: path, line: number)
    }
    for (_, builder) in builders.sorted(by: { $0.key < $1.key }) {
      judges.append(try builder.finish())
    }
    relevantCount = relevant
    self.queries = queries.sorted()
  }
}
