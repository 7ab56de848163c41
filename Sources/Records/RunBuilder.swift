import Failures
import Streams
import Workers

/// Collects a run in any order, and puts it into trec_eval's.
package struct RunBuilder {
  private let name: String
  private let details: RunDetails
  /// The run's tag.
  package var tag: String
  private(set) var queries = IDTable()
  private var scores: [Float] = []
  private var hashes: [UInt32] = []
  private var exactScores: [Double] = []
  private var ranks: [UInt32] = []
  private var ids = FlatBytes()
  /// Where in the input the query changes.
  private var segments: [(query: Int, start: Int)] = []
  /// Where the lines of entries stop to follow each other: the entry, its file and its line.
  private var lineMarks: [(entry: Int, file: String, line: Int)] = []
  private var nextLine = 0

  /// An empty run.
  package init(name: String, tag: String = "", details: RunDetails = []) {
    self.name = name
    self.tag = tag
    self.details = details
  }

  /// Number of entries so far.
  package var count: Int { scores.count }

  /// Adds a document to a query's; the query's number.
  ///
  /// The score must be finite; file and line are what says so, for messages.
  @discardableResult
  package mutating func add(
    query: UnsafeRawBufferPointer, doc: UnsafeRawBufferPointer, score: Float,
    exactScore: Double? = nil, rank: UInt32 = 0, file: String = "", line: Int = 0
  ) -> Int {
    precondition(score.isFinite, "a score of \(score)")
    precondition(count < Int(UInt32.max), "a run of more than 2^32 lines")
    let number = enter(query, at: count)
    mark(count, file, line)
    nextLine = line + 1
    scores.append(score)
    hashes.append(IDHash.short(doc))
    if details.contains(.exactScores) { exactScores.append(exactScore ?? Double(score)) }
    if details.contains(.ranks) { ranks.append(rank) }
    ids.append(doc)
    return number
  }

  /// Adds a document to a query's.
  package mutating func add(query: RecordID, doc: RecordID, score: Float) {
    _ = query.bytes.withUnsafeBytes { query in
      doc.bytes.withUnsafeBytes { doc in add(query: query, doc: doc, score: score) }
    }
  }

  /// Adds the lines of a block of a file.
  mutating func add(_ block: RunBlock, file: String) {
    let columns = block.columns
    if columns.count == 0 { return }
    let first = count
    precondition(first + columns.count < Int(UInt32.max), "a run of more than 2^32 lines")
    for segment in columns.segments {
      enter(block.text(segment.query), at: first + segment.start)
    }
    var last = (entry: 0, line: 0)
    for place in columns.marks {
      if place.entry > 0 { nextLine = last.line + place.entry - last.entry }
      mark(first + place.entry, file, place.line)
      last = place
    }
    nextLine = last.line + columns.count - last.entry
    scores.append(contentsOf: columns.scoreColumn)
    hashes.append(contentsOf: columns.hashColumn)
    exactScores.append(contentsOf: columns.exactColumn)
    ranks.append(contentsOf: columns.rankColumn)
    ids.append(columns.documents.text, ends: columns.documents.ends)
  }

  /// Makes room for the lines of some blocks, and for so many times as many: memory is taken once
  /// where the size of the input is known.
  mutating func reserve(_ blocks: [RunBlock], times extent: Double) {
    func scaled(_ count: Int) -> Int { Int(Double(count) * extent * 1.02) }
    let entries = scaled(blocks.reduce(count) { $0 + $1.columns.count })
    let bytes = scaled(blocks.reduce(ids.size) { $0 + $1.columns.documents.text.count })
    scores.reserve(entries)
    hashes.reserve(entries)
    if details.contains(.exactScores) { exactScores.reserve(entries) }
    if details.contains(.ranks) { ranks.reserve(entries) }
    ids.reserve(entries, bytes: bytes)
  }

  /// The number of the query of the entries from `start` on.
  @discardableResult
  private mutating func enter(_ query: UnsafeRawBufferPointer, at start: Int) -> Int {
    if let last = segments.last,
      queries.withBytes(last.query, { ByteOrder.compare($0, query) == 0 })
    {
      return last.query
    }
    let number = queries.insert(query).index
    segments.append((number, start))
    return number
  }

  private mutating func mark(_ entry: Int, _ file: String, _ line: Int) {
    if line == nextLine, lineMarks.last?.file == file { return }
    lineMarks.append((entry, file, line))
  }

  /// The run.
  ///
  /// - Throws: 65 where a query has a document twice.
  package consuming func finish(
    texts: RunTexts? = nil, relevance: Qrels? = nil, pool: WorkerPool = WorkerPool(threads: 1)
  ) throws(Failure) -> Run {
    let (offsets, grouped) = group()
    let work = RunOrdering(
      scores: scores, hashes: hashes, ids: ids, offsets: offsets, grouped: grouped)
    let order: [UInt32]?
    switch try work.order(pool) {
    case .asRead: order = nil
    case .anew(let entries): order = entries
    case .duplicate(let first, let second, let query):
      throw duplicate(first, second, query)
    }
    return Run(
      name: name, tag: tag, queries: queries, offsets: offsets, order: order, scores: scores,
      hashes: hashes, exactScores: exactScores, ranks: ranks, ids: ids, texts: texts,
      relevance: relevance)
  }

  /// Where the entries of each query start, and their places in the input, query by query; nil if
  /// they stand there so.
  private func group() -> (offsets: [Int], grouped: [UInt32]?) {
    var offsets = [Int](repeating: 0, count: queries.count + 1)
    func end(_ segment: Int) -> Int {
      segment + 1 < segments.count ? segments[segment + 1].start : count
    }
    for i in segments.indices { offsets[segments[i].query + 1] += end(i) - segments[i].start }
    for query in 0..<queries.count { offsets[query + 1] += offsets[query] }
    if segments.count == queries.count { return (offsets, nil) }
    var next = offsets
    var grouped = [UInt32](repeating: 0, count: count)
    for i in segments.indices {
      for entry in segments[i].start..<end(i) {
        grouped[next[segments[i].query]] = UInt32(entry)
        next[segments[i].query] += 1
      }
    }
    return (offsets, grouped)
  }

  private func duplicate(_ first: Int, _ second: Int, _ query: Int) -> Failure {
    let places = [first, second].map { ordinal in
      let mark = lineMarks.last { $0.entry <= ordinal }
      return (file: mark?.file ?? name, line: (mark?.line ?? 0) + ordinal - (mark?.entry ?? 0))
    }
    let doc = ids.withBytes(first) { Bytes.quoted($0) }
    let id = queries.withBytes(query) { Bytes.quoted($0) }
    let isOneFile = places[0].file == places[1].file
    let before = isOneFile ? "line \(places[0].line)" : "\(places[0].file):\(places[0].line)"
    return .line(
      places[1].file, places[1].line, expected: "each document once in a query",
      found: "\(doc) again for query \(id), after \(before)")
  }
}
