import Failures
import Streams

/// Collects a run in any order, and puts it into trec_eval's.
package struct RunBuilder {
  private let name: String
  /// The run's tag.
  package var tag: String
  private(set) var queries = IDTable()
  private var entries: [Run.Entry] = []
  private var ids = FlatBytes()
  /// Where in `entries` the query changes.
  private var segments: [(query: Int, start: Int)] = []
  /// Where the lines of entries stop to follow each other: the entry, its file and its line.
  private var lineMarks: [(entry: Int, file: String, line: Int)] = []
  private var nextLine = 0

  /// An empty run.
  package init(name: String, tag: String = "") {
    self.name = name
    self.tag = tag
  }

  /// Number of entries so far.
  package var count: Int { entries.count }

  /// Adds a document to a query's; the query's number.
  ///
  /// The score must be finite; file and line are what says so, for messages.
  @discardableResult
  package mutating func add(
    query: UnsafeRawBufferPointer, doc: UnsafeRawBufferPointer, score: Float,
    file: String = "", line: Int = 0
  ) -> Int {
    precondition(score.isFinite, "a score of \(score)")
    precondition(entries.count < Int(UInt32.max), "a run of more than 2^32 lines")
    let number: Int
    if let last = segments.last,
      queries.withBytes(last.query, { ByteOrder.compare($0, query) == 0 })
    {
      number = last.query
    } else {
      number = queries.insert(query).index
      segments.append((number, entries.count))
    }
    if line != nextLine || lineMarks.last?.file != file {
      lineMarks.append((entries.count, file, line))
    }
    nextLine = line + 1
    entries.append(Run.Entry(score: score, ordinal: UInt32(entries.count)))
    ids.append(doc)
    return number
  }

  /// Adds a document to a query's.
  package mutating func add(query: RecordID, doc: RecordID, score: Float) {
    _ = query.bytes.withUnsafeBytes { query in
      doc.bytes.withUnsafeBytes { doc in add(query: query, doc: doc, score: score) }
    }
  }

  /// The run.
  ///
  /// - Throws: exit 65 where a query has a document twice.
  package consuming func finish(
    texts: RunTexts? = nil, relevance: Qrels? = nil
  ) throws(Failure) -> Run {
    let offsets = group()
    var duplicates = DuplicateFinder()
    for query in 0..<queries.count {
      let range = offsets[query]..<offsets[query + 1]
      if let pair = duplicates.firstDuplicate(entries[range], ids) {
        throw duplicate([pair.0, pair.1], query)
      }
      sort(range)
    }
    return Run(
      name: name, tag: tag, queries: queries, offsets: offsets, entries: entries, ids: ids,
      texts: texts, relevance: relevance)
  }

  /// Brings the entries of each query together; where each query's start.
  private mutating func group() -> [Int] {
    var offsets = [Int](repeating: 0, count: queries.count + 1)
    func end(_ segment: Int) -> Int {
      segment + 1 < segments.count ? segments[segment + 1].start : entries.count
    }
    for i in segments.indices { offsets[segments[i].query + 1] += end(i) - segments[i].start }
    for query in 0..<queries.count { offsets[query + 1] += offsets[query] }
    if segments.count == queries.count { return offsets }
    var next = offsets
    var grouped = entries
    for i in segments.indices {
      for entry in segments[i].start..<end(i) {
        grouped[next[segments[i].query]] = entries[entry]
        next[segments[i].query] += 1
      }
    }
    entries = grouped
    return offsets
  }

  private mutating func sort(_ range: Range<Int>) {
    let ids = ids
    func precedes(_ left: Run.Entry, _ right: Run.Entry) -> Bool {
      if left.score != right.score { return left.score > right.score }
      return ids.withBytes(Int(left.ordinal)) { l in
        ids.withBytes(Int(right.ordinal)) { r in ByteOrder.compare(l, r) > 0 }
      }
    }
    // Most runs come in order.
    var isSorted = true
    for i in range.dropFirst() where !precedes(entries[i - 1], entries[i]) {
      isSorted = false
      break
    }
    if !isSorted { entries[range].sort(by: precedes) }
  }

  private func duplicate(_ pair: [Run.Entry], _ query: Int) -> Failure {
    let ordinals = pair.map { Int($0.ordinal) }.sorted()
    let places = ordinals.map { ordinal in
      let mark = lineMarks.last { $0.entry <= ordinal }
      return (file: mark?.file ?? name, line: (mark?.line ?? 0) + ordinal - (mark?.entry ?? 0))
    }
    let doc = ids.withBytes(ordinals[0]) { Bytes.quoted($0) }
    let id = queries.withBytes(query) { Bytes.quoted($0) }
    return .line(
      places[1].file, places[1].line, expected: "each document once in a query",
      found: "\(doc) again for query \(id), after line \(places[0].line)")
  }
}

/// Finds documents that occur twice; keeps its table for the next query.
private struct DuplicateFinder {
  private var slots: [UInt32] = []

  /// The first two of `entries` that name one document; nil if all differ.
  mutating func firstDuplicate(
    _ entries: ArraySlice<Run.Entry>, _ ids: FlatBytes
  ) -> (Run.Entry, Run.Entry)? {
    if entries.count < 2 { return nil }
    var capacity = 16
    while capacity < entries.count * 2 { capacity *= 2 }
    if slots.count < capacity {
      slots = [UInt32](repeating: 0, count: capacity)
    } else {
      for i in 0..<capacity { slots[i] = 0 }
    }
    let first = entries.startIndex
    for i in entries.indices {
      let found: Int? = ids.withBytes(Int(entries[i].ordinal)) { id in
        var slot = Int(truncatingIfNeeded: Checksum.xxh3(id)) & (capacity - 1)
        while slots[slot] != 0 {
          let other = first + Int(slots[slot]) - 1
          if ids.withBytes(Int(entries[other].ordinal), { ByteOrder.compare($0, id) == 0 }) {
            return other
          }
          slot = (slot + 1) & (capacity - 1)
        }
        slots[slot] = UInt32(i - first + 1)
        return nil
      }
      if let found { return (entries[found], entries[i]) }
    }
    return nil
  }
}
