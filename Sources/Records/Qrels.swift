import Failures
import Glibc
import Streams

/// Relevance judgements: for each query, documents with grades.
///
/// A query's documents are ordered bytewise by id, so that one is found by halving.
package struct Qrels: Sendable {
  /// One judgement of one query.
  struct Entry: Sendable {
    var grade: Int
    /// Its place in the input, from 0.
    var ordinal: UInt32
  }

  /// A grade for one subtopic.
  package struct SubtopicGrade: Sendable, Equatable {
    /// The subtopic's number, in the order of their first lines in the whole input.
    package var subtopic: Int
    /// The grade of the document for it.
    package var grade: Int
  }

  /// Where the judgements came from.
  package let name: String
  /// The queries, in the order of their first lines.
  package let queries: IDTable
  /// What is wrong with them for measures that know of no subtopics: a document with different
  /// grades for a query; only where subtopics were asked for.
  package let conflict: Failure?
  /// Number of different subtopics (iterations) of all queries.
  package let subtopicCount: Int
  /// Number that all grades were multiplied with, to be whole: 1 where they are.
  package let gradeScale: Int
  /// What is wrong with them for measures that need whole grades; nil where all are.
  package let fraction: Failure?
  private let offsets: [Int]
  private let entries: [Entry]
  private let ids: FlatBytes
  /// The grades of judgement `j` are those from `gradeOffsets[j]` to `gradeOffsets[j + 1]`.
  private let gradeOffsets: [Int]
  private let subtopicGrades: [SubtopicGrade]

  /// Puts the parts together; `QrelsBuilder` makes them.
  init(
    name: String, queries: IDTable, conflict: Failure?, subtopicCount: Int, gradeScale: Int,
    fraction: Failure?,
    offsets: [Int], entries: [Entry],
    ids: FlatBytes, gradeOffsets: [Int], subtopicGrades: [SubtopicGrade]
  ) {
    self.name = name
    self.queries = queries
    self.conflict = conflict
    self.subtopicCount = subtopicCount
    self.gradeScale = gradeScale
    self.fraction = fraction
    self.offsets = offsets
    self.entries = entries
    self.ids = ids
    self.gradeOffsets = gradeOffsets
    self.subtopicGrades = subtopicGrades
  }

  /// Number of judged documents of all queries.
  package var count: Int { entries.count }

  /// The judgements of a query, by document id.
  package func judgements(of query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

  /// The grade that a judgement gives, times `gradeScale`; negative ones are legal.
  package func grade(_ judgement: Int) -> Int { entries[judgement].grade }

  /// The grade as a judgement has it, for people.
  package func gradeText(_ judgement: Int) -> String {
    let grade = grade(judgement)
    return gradeScale == 1 ? "\(grade)" : "\(Double(grade) / Double(gradeScale))"
  }

  /// The place of a judgement in the input, from 0.
  package func ordinal(_ judgement: Int) -> Int { Int(entries[judgement].ordinal) }

  /// The grades of a judged document, a subtopic each; empty if the judgements were read without.
  package func subtopicGrades(_ judgement: Int) -> ArraySlice<SubtopicGrade> {
    if gradeOffsets.isEmpty { return [] }
    return subtopicGrades[gradeOffsets[judgement]..<gradeOffsets[judgement + 1]]
  }

  /// Whether grades were read a subtopic each.
  package var hasSubtopics: Bool { !gradeOffsets.isEmpty }

  /// Calls `body` with the bytes of a judgement's document id.
  @inline(__always)
  package func withDoc<R>(_ judgement: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    ids.withBytes(Int(entries[judgement].ordinal), body)
  }

  /// A judgement's document id.
  package func doc(_ judgement: Int) -> RecordID { withDoc(judgement) { RecordID($0) } }

  /// The judgement of a document for a query; nil if there is none.
  package func find(_ doc: UnsafeRawBufferPointer, query: Int) -> Int? {
    var (low, high) = (offsets[query], offsets[query + 1])
    while low < high {
      let middle = low + (high - low) / 2
      let order = withDoc(middle) { ByteOrder.compare($0, doc) }
      if order == 0 { return middle }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// The grade of a document for a query; nil if it was not judged.
  package func grade(query: RecordID, doc: RecordID) -> Int? {
    guard let query = queries.find(query) else { return nil }
    return doc.bytes.withUnsafeBytes { find($0, query: query) }.map { grade($0) }
  }
}

/// What is made of a document that is judged several times for a query.
package enum RepeatedJudgements: Sendable {
  /// Nothing: it is an error, as for trec_eval.
  case refused
  /// One judgement, if the iterations differ and the grades do not.
  case agreeing
  /// A judgement for each iteration, which names a subtopic (an intent) of the query.
  case subtopics
}

extension Qrels {
  /// Reads judgements: TREC's four columns, three with a header, as BEIR has them, or one JSON object
  /// `{"query": {"document": grade}}`.
  ///
  /// Fields are separated by any white space. Lines that start with `#` are comments, and blank
  /// lines are nothing, as trec_eval has it.
  ///
  /// - Parameters:
  ///   - operands: The files, read as one.
  ///   - repeated: What is made of documents that are judged several times.
  ///   - allowsFractions: Whether grades may be other than whole numbers.
  /// - Returns: The judgements.
  /// - Throws: 65 for a malformed line, or a document that is judged twice for a query in a
  ///   way that `repeated` does not allow.
  package static func read(
    _ operands: [String], repeated: RepeatedJudgements = .agreeing, allowsFractions: Bool = false
  ) throws(Failure) -> Qrels {
    var builder = QrelsBuilder(
      name: operands.joined(separator: " "), repeated: repeated, allowsFractions: allowsFractions)
    for operand in operands {
      let reader = LineReader(
        try ByteReader(operand), blockSize: 1 << 17, refusesMarks: true)
      let buffer = LineBuffer()
      var isBEIR = false
      var table: JSONTable?
      while try reader.next(into: buffer) {
        if buffer.firstLine == 1, JSONTable.recognizes(buffer.text) {
          table = JSONTable(file: operand)
        }
        table?.append(buffer.text)
        if table != nil { continue }
        try forEachLine(buffer) { line, number throws(Failure) in
          if number == 1, let fields = try QrelsHeader.fields(line, file: operand) {
            isBEIR = fields == 3
            return
          }
          try builder.add(line, isBEIR: isBEIR, file: operand, number: number)
        } plain: { query, iteration, doc, grade, number in
          if isBEIR { return false }
          builder.add(
            query: query, doc: doc, grade: grade, iteration: iteration, file: operand, line: number)
          return true
        }
      }
      try table?.forEach { query, doc, value, line throws(Failure) in
        try builder.add(query: query, doc: doc, json: value, file: operand, line: line)
      }
    }
    return try builder.finish()
  }

  /// Reads judgements of one file.
  package static func read(
    _ operand: String, repeated: RepeatedJudgements = .agreeing
  ) throws(Failure) -> Qrels {
    try read([operand], repeated: repeated)
  }

  /// Calls `plain` with the fields of each plain line of four, and `body` with all other lines and
  /// those that it does not take.
  private static func forEachLine(
    _ buffer: LineBuffer,
    _ body: (_ line: UnsafeRawBufferPointer, _ number: Int) throws(Failure) -> Void,
    plain: (
      _ query: UnsafeRawBufferPointer, _ iteration: UnsafeRawBufferPointer,
      _ doc: UnsafeRawBufferPointer, _ grade: Int, _ number: Int
    ) -> Bool
  ) throws(Failure) {
    guard let base = buffer.text.baseAddress else { return }
    let end = base + buffer.text.count
    var next = base
    var number = buffer.firstLine
    while next < end {
      let limit = end - 8
      if let query = PlainFields.field(next, limit), query.first != UInt8(ascii: "#"),
        let iteration = PlainFields.field(PlainFields.behind(query), limit),
        let doc = PlainFields.field(PlainFields.behind(iteration), limit),
        let text = PlainFields.field(PlainFields.behind(doc), limit, isLast: true),
        let grade = NumberText.integer(text), plain(query, iteration, doc, grade, number)
      {
        next = PlainFields.behind(text)
      } else {
        var lineEnd = end
        if let newline = memchr(next, 0x0A, end - next) { lineEnd = UnsafeRawPointer(newline) }
        try body(UnsafeRawBufferPointer(start: next, count: lineEnd - next), number)
        next = lineEnd + 1
      }
      number += 1
    }
  }
}

/// What the ids of runs and qrels must not hold; their white space is gone already.
enum IDCheck {
  @inline(__always)
  static func check(
    _ query: UnsafeRawBufferPointer, _ doc: UnsafeRawBufferPointer, _ file: String, _ line: Int
  ) throws(Failure) {
    var hasNUL = false
    for byte in query where byte == 0 { hasNUL = true }
    for byte in doc where byte == 0 { hasNUL = true }
    if hasNUL { throw .line(file, line, expected: "ids without NUL", found: "a NUL") }
  }
}
