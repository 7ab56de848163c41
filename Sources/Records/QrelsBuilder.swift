import Failures
import JSON
import Streams

/// Collects judgements in any order.
package struct QrelsBuilder {
  private let name: String
  private let repeated: RepeatedJudgements
  private var queries = IDTable()
  private var iterations = IDTable()
  private var grades: [Int] = []
  private let allowsFractions: Bool
  /// Grades that are no whole numbers, by their places.
  private var fractions: [Int: Double] = [:]
  /// Why the first of them is refused where nobody can use it.
  private var fraction: Failure?
  private var queryOf: [UInt32] = []
  private var iterationOf: [UInt32] = []
  private var ids = FlatBytes()
  private var places: [(entry: Int, file: String, line: Int)] = []
  private var nextLine = 0

  /// No judgements.
  package init(
    name: String, repeated: RepeatedJudgements = .agreeing, allowsFractions: Bool = false
  ) {
    self.name = name
    self.repeated = repeated
    self.allowsFractions = allowsFractions
  }

  /// Adds one judgement.
  package mutating func add(
    query: UnsafeRawBufferPointer, doc: UnsafeRawBufferPointer, grade: Int,
    iteration: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    file: String = "", line: Int = 0
  ) {
    precondition(grades.count < Int(UInt32.max), "more than 2^32 judgements")
    if line != nextLine || places.last?.file != file {
      places.append((grades.count, file, line))
    }
    nextLine = line + 1
    queryOf.append(Self.number(query, &queries, last: queryOf.last))
    iterationOf.append(Self.number(iteration, &iterations, last: iterationOf.last))
    grades.append(grade)
    ids.append(doc)
  }

  /// Adds one judgement.
  package mutating func add(
    query: RecordID, doc: RecordID, grade: Int, iteration: RecordID = RecordID("")
  ) {
    query.bytes.withUnsafeBytes { query in
      doc.bytes.withUnsafeBytes { doc in
        iteration.bytes.withUnsafeBytes { iteration in
          add(query: query, doc: doc, grade: grade, iteration: iteration)
        }
      }
    }
  }

  private static func number(
    _ id: UnsafeRawBufferPointer, _ table: inout IDTable, last: UInt32?
  ) -> UInt32 {
    // Most lines repeat the one before.
    if let last, table.withBytes(Int(last), { ByteOrder.compare($0, id) == 0 }) { return last }
    return UInt32(table.insert(id).index)
  }

  mutating func add(
    _ line: UnsafeRawBufferPointer, isBEIR: Bool, file: String, number: Int
  ) throws(Failure) {
    if LineFields.isIgnored(line) { return }
    let fields = LineFields(line)
    let expected = isBEIR ? 3 : 4
    guard fields.count == expected else {
      let names = isBEIR ? "query-id corpus-id score" : "query iteration doc grade"
      throw .data(
        "\(file):\(number)", "expected \(expected) fields (\(names)), found \(fields.count)",
        hint: InputSort.of(line)?.hintForJudgements
          ?? (fields.count == 3 ? "three columns need a header: query-id corpus-id score" : nil))
    }
    try IDCheck.check(fields[0], fields[expected - 2], file, number)
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    let text = fields[expected - 1]
    guard let exact = NumberText.double(text), exact.isFinite else {
      throw .data(
        "\(file):\(number)", "expected an integer grade, found \(fields.quoted(expected - 1))",
        hint: InputSort.of(line)?.hintForJudgements)
    }
    let grade: Int
    if let whole = NumberText.integer(text) {
      grade = whole
    } else {
      grade = try whole(exact, String(decoding: text, as: UTF8.self), file, number)
    }
    add(
      query: fields[0], doc: fields[expected - 2], grade: grade,
      iteration: isBEIR ? none : fields[1], file: file, line: number)
  }

  mutating func add(
    query: [UInt8], doc: [UInt8], json: JSON, file: String, line: Int
  ) throws(Failure) {
    guard let exact = json.double else {
      throw .line(file, line, expected: "a grade", found: json.kindName)
    }
    let grade = try whole(exact, "\(exact)", file, line)
    query.withUnsafeBytes { query in
      doc.withUnsafeBytes { doc in
        add(query: query, doc: doc, grade: grade, file: file, line: line)
      }
    }
  }

  /// The grade of the next judgement as a whole number; one that is none is kept beside, and stands for
  /// 0 meanwhile.
  private mutating func whole(
    _ grade: Double, _ text: String, _ file: String, _ line: Int
  ) throws(Failure) -> Int {
    if let whole = Int(exactly: grade) { return whole }
    let refusal = Failure.line(
      file, line, expected: "an integer grade", found: "\"\(text)\"")
    guard allowsFractions, grade.rounded() != grade else { throw refusal }
    guard abs(grade) < 1e6, Self.scale(of: grade) != nil else {
      throw .line(
        file, line, expected: "a grade below a million with at most six decimals",
        found: "\"\(text)\"")
    }
    fractions[grades.count] = grade
    if fraction == nil { fraction = refusal }
    return 0
  }

  private static let scales = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]

  /// The least power of ten that makes a number whole, as far as its decimals go.
  private static func scale(of grade: Double) -> Int? {
    scales.first { scale in (grade * Double(scale)).rounded() / Double(scale) == grade }
  }

  /// Makes all grades whole, where some are not.
  private mutating func scaleGrades() throws(Failure) -> Int {
    let scale = fractions.values.lazy.compactMap { Self.scale(of: $0) }.max() ?? 1
    if scale == 1 { return 1 }
    for place in grades.indices {
      if let fraction = fractions[place] {
        grades[place] = Int((fraction * Double(scale)).rounded())
        continue
      }
      let (whole, overflows) = grades[place].multipliedReportingOverflow(by: scale)
      guard !overflows else {
        throw .data(
          name, "expected grades below a million beside fractions, found \(grades[place])")
      }
      grades[place] = whole
    }
    return scale
  }

  /// The judgements.
  ///
  /// - Throws: 65 where a document is judged twice for a query in a way that is not allowed.
  package consuming func finish() throws(Failure) -> Qrels {
    let scale = try scaleGrades()
    let (starts, ordered) = order()
    var offsets = [0]
    var entries: [Qrels.Entry] = []
    var gradeOffsets = [0]
    var subtopicGrades: [Qrels.SubtopicGrade] = []
    var conflict: Failure?
    entries.reserveCapacity(ordered.count)
    for query in 0..<queries.count {
      var next = starts[query]
      while next < starts[query + 1] {
        var end = next + 1
        while end < starts[query + 1], isSame(ordered[next], ordered[end]) { end += 1 }
        let first = ordered[next].ordinal
        if end - next > 1 { try check(ordered[next..<end].map(\.ordinal), query, &conflict) }
        entries.append(Qrels.Entry(grade: grades[Int(first)], ordinal: first))
        if repeated == .subtopics {
          for ordinal in ordered[next..<end].map(\.ordinal) {
            subtopicGrades.append(
              Qrels.SubtopicGrade(
                subtopic: Int(iterationOf[Int(ordinal)]), grade: grades[Int(ordinal)]))
          }
          gradeOffsets.append(subtopicGrades.count)
        }
        next = end
      }
      offsets.append(entries.count)
    }
    return Qrels(
      name: name, queries: queries, conflict: conflict, subtopicCount: iterations.count,
      gradeScale: scale, fraction: fraction, offsets: offsets, entries: entries, ids: ids,
      gradeOffsets: repeated == .subtopics ? gradeOffsets : [],
      subtopicGrades: subtopicGrades)
  }

  /// The first eight bytes of an id as a number, which mostly decide, and its place in the input.
  private typealias Key = (prefix: UInt64, ordinal: UInt32)

  /// The judgements by query, document and place; and where each query's start.
  private func order() -> (starts: [Int], ordered: [Key]) {
    var starts = [Int](repeating: 0, count: queries.count + 1)
    for query in queryOf { starts[Int(query) + 1] += 1 }
    for query in 0..<queries.count { starts[query + 1] += starts[query] }
    var next = starts
    var keys = [Key](repeating: (0, 0), count: grades.count)
    for (ordinal, query) in queryOf.enumerated() {
      let prefix = ids.withBytes(ordinal) { id in
        if id.count >= 8 { return UInt64(bigEndian: id.loadUnaligned(as: UInt64.self)) }
        return id.reduce(0) { $0 << 8 | UInt64($1) } << UInt64(64 - 8 * id.count)
      }
      keys[next[Int(query)]] = (prefix, UInt32(ordinal))
      next[Int(query)] += 1
    }
    for query in 0..<queries.count {
      keys[starts[query]..<starts[query + 1]].sort { left, right in
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        let order = compare(left.ordinal, right.ordinal)
        return order != 0 ? order < 0 : left.ordinal < right.ordinal
      }
    }
    return (starts, keys)
  }

  private func compare(_ left: UInt32, _ right: UInt32) -> Int {
    ids.withBytes(Int(left)) { l in ids.withBytes(Int(right)) { r in ByteOrder.compare(l, r) } }
  }

  private func isSame(_ left: Key, _ right: Key) -> Bool {
    left.prefix == right.prefix && compare(left.ordinal, right.ordinal) == 0
  }

  /// Refuses judgements of one document for a query that do not go together.
  private func check(
    _ document: [UInt32], _ query: Int, _ conflict: inout Failure?
  ) throws(Failure) {
    for (i, right) in document.enumerated() {
      for left in document.prefix(i)
      where repeated == .refused || iterationOf[Int(left)] == iterationOf[Int(right)] {
        throw failure(Int(left), Int(right), query)
      }
    }
    let first = Int(document[0])
    guard let other = document.first(where: { grades[Int($0)] != grades[first] }) else { return }
    let found = failure(
      first, Int(other), query,
      hint: "iterations are subtopics to measures of diversity alone, such as alpha_nDCG@10")
    if repeated == .agreeing { throw found }
    conflict = conflict ?? found
  }

  private func failure(
    _ first: Int, _ second: Int, _ query: Int, hint: String? = nil
  ) -> Failure {
    func place(_ ordinal: Int) -> (file: String, line: Int) {
      let mark = places.last { $0.entry <= ordinal }
      return (mark?.file ?? name, (mark?.line ?? 0) + ordinal - (mark?.entry ?? 0))
    }
    let (one, two) = (place(first), place(second))
    let doc = ids.withBytes(first) { Bytes.quoted($0) }
    let id = queries.withBytes(query) { Bytes.quoted($0) }
    return .data(
      "\(two.file):\(two.line)",
      "expected one grade for a document of a query, found \(doc) for query \(id) with grade "
        + "\(grades[second]), after grade \(grades[first]) in line \(one.line)", hint: hint)
  }
}
