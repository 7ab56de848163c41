import Failures
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

  /// Where the judgements came from.
  package let name: String
  /// The queries, in the order of their first lines.
  package let queries: IDTable
  private let offsets: [Int]
  private let entries: [Entry]
  private let ids: FlatBytes

  init(name: String, queries: IDTable, offsets: [Int], entries: [Entry], ids: FlatBytes) {
    self.name = name
    self.queries = queries
    self.offsets = offsets
    self.entries = entries
    self.ids = ids
  }

  /// Number of judgements of all queries.
  package var count: Int { entries.count }

  /// The judgements of a query, by document id.
  package func judgements(of query: Int) -> Range<Int> { offsets[query]..<offsets[query + 1] }

  /// The grade that a judgement gives; negative ones are legal.
  package func grade(_ judgement: Int) -> Int { entries[judgement].grade }

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

extension Qrels {
  /// Reads judgements: TREC's four columns, or BEIR's three with their header.
  ///
  /// Fields are separated by any white space. Lines that start with `#` are comments, and blank
  /// lines are nothing, as trec_eval has it.
  ///
  /// - Throws: exit 65 for a malformed line, or a document that is judged twice for a query.
  package static func read(_ operands: [String]) throws(Failure) -> Qrels {
    var builder = QrelsBuilder(name: operands.joined(separator: " "))
    for operand in operands {
      let reader = LineReader(try ByteReader(operand))
      var isBEIR = false
      while let block = try reader.next() {
        try block.forEachLine { line, _, number throws(Failure) in
          if number == 1, isHeader(line) { isBEIR = true; return }
          try builder.add(line, isBEIR: isBEIR, file: operand, number: number)
        }
      }
    }
    return try builder.finish()
  }

  /// Reads judgements of one file.
  package static func read(_ operand: String) throws(Failure) -> Qrels { try read([operand]) }

  private static func isHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    let fields = LineFields(line)
    return fields.count == 3 && fields[0].elementsEqual("query-id".utf8)
      && fields[1].elementsEqual("corpus-id".utf8) && fields[2].elementsEqual("score".utf8)
  }
}

/// Collects judgements in any order.
package struct QrelsBuilder {
  private let name: String
  private var queries = IDTable()
  private var entries: [Qrels.Entry] = []
  private var queryOf: [UInt32] = []
  private var ids = FlatBytes()
  private var places: [(entry: Int, file: String, line: Int)] = []
  private var nextLine = 0

  /// No judgements.
  package init(name: String) { self.name = name }

  /// Adds one judgement.
  package mutating func add(
    query: UnsafeRawBufferPointer, doc: UnsafeRawBufferPointer, grade: Int,
    file: String = "", line: Int = 0
  ) {
    precondition(entries.count < Int(UInt32.max), "more than 2^32 judgements")
    if line != nextLine || places.last?.file != file {
      places.append((entries.count, file, line))
    }
    nextLine = line + 1
    queryOf.append(UInt32(queries.insert(query).index))
    entries.append(Qrels.Entry(grade: grade, ordinal: UInt32(entries.count)))
    ids.append(doc)
  }

  /// Adds one judgement.
  package mutating func add(query: RecordID, doc: RecordID, grade: Int) {
    query.bytes.withUnsafeBytes { query in
      doc.bytes.withUnsafeBytes { doc in add(query: query, doc: doc, grade: grade) }
    }
  }

  fileprivate mutating func add(
    _ line: UnsafeRawBufferPointer, isBEIR: Bool, file: String, number: Int
  ) throws(Failure) {
    if LineFields.isIgnored(line) { return }
    let fields = LineFields(line)
    let expected = isBEIR ? 3 : 4
    guard fields.count == expected else {
      let names = isBEIR ? "query-id corpus-id score" : "query iteration doc grade"
      throw .line(
        file, number, expected: "\(expected) fields (\(names))", found: "\(fields.count)")
    }
    guard let grade = NumberText.integer(fields[expected - 1]) else {
      throw .line(
        file, number, expected: "an integer grade", found: fields.quoted(expected - 1))
    }
    try IDCheck.check(fields[0], fields[expected - 2], file, number)
    add(query: fields[0], doc: fields[expected - 2], grade: grade, file: file, line: number)
  }

  /// The judgements.
  ///
  /// - Throws: exit 65 where a document is judged twice for a query, with the same grade or not.
  package consuming func finish() throws(Failure) -> Qrels {
    var offsets = [Int](repeating: 0, count: queries.count + 1)
    for query in queryOf { offsets[Int(query) + 1] += 1 }
    for query in 0..<queries.count { offsets[query + 1] += offsets[query] }
    var next = offsets
    var grouped = entries
    for (entry, query) in zip(entries, queryOf) {
      grouped[next[Int(query)]] = entry
      next[Int(query)] += 1
    }
    let ids = ids
    func order(_ left: Qrels.Entry, _ right: Qrels.Entry) -> Int {
      ids.withBytes(Int(left.ordinal)) { l in
        ids.withBytes(Int(right.ordinal)) { r in ByteOrder.compare(l, r) }
      }
    }
    for query in 0..<queries.count {
      let range = offsets[query]..<offsets[query + 1]
      grouped[range].sort { order($0, $1) < 0 }
      for i in range.dropFirst() where order(grouped[i - 1], grouped[i]) == 0 {
        throw duplicate(grouped[i - 1], grouped[i], query)
      }
    }
    return Qrels(name: name, queries: queries, offsets: offsets, entries: grouped, ids: ids)
  }

  private func duplicate(_ left: Qrels.Entry, _ right: Qrels.Entry, _ query: Int) -> Failure {
    let (first, second) = left.ordinal < right.ordinal ? (left, right) : (right, left)
    func place(_ ordinal: Int) -> (file: String, line: Int) {
      let mark = places.last { $0.entry <= ordinal }
      return (mark?.file ?? name, (mark?.line ?? 0) + ordinal - (mark?.entry ?? 0))
    }
    let (one, two) = (place(Int(first.ordinal)), place(Int(second.ordinal)))
    let doc = ids.withBytes(Int(first.ordinal)) { Bytes.quoted($0) }
    let id = queries.withBytes(query) { Bytes.quoted($0) }
    return .line(
      two.file, two.line, expected: "one grade for a document of a query",
      found: "\(doc) for query \(id) with grade \(second.grade), after grade \(first.grade) "
        + "in line \(one.line)")
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
