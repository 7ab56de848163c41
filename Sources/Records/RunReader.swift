import Failures
import JSON
import Streams
import Workers

/// How a run is written down.
package enum RunFormat: String, Sendable, CaseIterable {
  /// JSON where the first byte is `{`, else TREC.
  case auto
  /// `query Q0 doc rank score tag`, separated by any white space; the rank does not count.
  case trec
  /// `{"query_id","doc_id","rank","score","query","text","relevance"}` a line; the first two and
  /// the score must be there.
  case jsonl
  /// One object `{"query": {"doc": score}}`.
  case json
  /// `query doc rank`, as MS MARCO has it: the score is minus the rank.
  case msmarco
  /// `trec` with anything behind the tag, as trec_eval reads it.
  case trecEval = "trec_eval"
}

/// Reads runs, whole: lines may come in any order, so nothing is known before the last.
///
/// Lines that start with `#` are comments, and blank lines are nothing, as trec_eval has it.
package struct RunReader {
  /// Blocks of text that are read, and then taken apart, at once: whatever the number of threads.
  fileprivate static let blocksAtOnce = 8

  private let format: RunFormat
  private let details: RunDetails
  private let pool: WorkerPool
  private var builder: RunBuilder
  /// Blocks to be filled: those that are read and those that are taken apart meanwhile.
  private var spare: [RunBlock]
  private var texts = RunTexts()
  /// Whether a line of JSON was read.
  private var hasLines = false
  private var relevance: QrelsBuilder?
  private var tag: [UInt8] = []

  /// Reads the lines of all operands as one run.
  ///
  /// A run without lines is legal: an empty shard.
  ///
  /// - Parameters:
  ///   - operands: Names of the files.
  ///   - format: How they are written down.
  ///   - details: What is kept besides ids and scores.
  ///   - opened: Readers of operands that are open already.
  ///   - pool: Takes blocks of lines apart.
  /// - Returns: The run.
  /// - Throws: 65 for a malformed line, a score that is not a finite number, or a document twice in a
  ///   query.
  package static func read(
    _ operands: [String], format: RunFormat = .auto, keeping details: RunDetails = [],
    opened: [String: ByteReader] = [:], pool: WorkerPool = WorkerPool(threads: 1)
  ) throws(Failure) -> Run {
    let name = operands.joined(separator: " ")
    var reader = RunReader(name: name, format: format, details: details, pool: pool)
    for operand in operands { try reader.read(operand, opened[operand]) }
    return try reader.finish()
  }

  /// Reads one run.
  package static func read(
    _ operand: String, format: RunFormat = .auto, keeping details: RunDetails = [],
    pool: WorkerPool = WorkerPool(threads: 1)
  ) throws(Failure) -> Run {
    try read([operand], format: format, keeping: details, pool: pool)
  }

  /// Reads JSON lines that are in memory: what one answer of a search gives.
  ///
  /// - Throws: As reading a file does.
  package static func read(
    json block: LineBlock, name: String, keeping details: RunDetails, pool: WorkerPool
  ) throws(Failure) -> Run {
    var reader = RunReader(name: name, format: .jsonl, details: details, pool: pool)
    try reader.addJSON(block, name)
    return try reader.finish()
  }

  private init(name: String, format: RunFormat, details: RunDetails, pool: WorkerPool) {
    self.format = format
    self.details = details
    self.pool = pool
    builder = RunBuilder(name: name, details: details)
    spare = (0..<2 * Self.blocksAtOnce).map { _ in RunBlock(details: details) }
  }

  private mutating func read(_ operand: String, _ opened: ByteReader?) throws(Failure) {
    var bytes = opened
    if bytes == nil { bytes = try ByteReader(operand) }
    guard let bytes else { return }
    let input = RunInput(LineReader(bytes, blockSize: 1 << 17, refusesMarks: true), spare)
    var format = format
    var table = JSONTable(file: operand)
    input.read()
    while true {
      let batch = input.take()
      if format == .auto, let first = batch.first {
        let start = first.lines.text.first { !Bytes.isSpace($0) }
        let isTable = JSONTable.recognizes(first.lines.text)
        format = isTable ? .json : start == UInt8(ascii: "{") ? .jsonl : .trec
      }
      if format == .json {
        for block in batch { table.append(block.lines.text) }
        input.read()
      } else if format == .jsonl {
        for block in batch { try addJSON(block.lines.block, operand) }
        input.read()
      } else {
        try addLines(batch, RunLines(format: format, file: operand), input)
      }
      input.giveBack(batch)
      if batch.isEmpty { break }
    }
    spare = input.spare
    if let failure = input.failure { throw failure }
    if format == .json { try addTable(table, operand) }
  }

  /// Takes blocks apart, and reads the next ones meanwhile.
  private mutating func addLines(
    _ batch: [RunBlock], _ lines: RunLines, _ input: RunInput
  ) throws(Failure) {
    let extent = input.extent
    try pool.forEach(batch.count + 1) { index, _ throws(Failure) in
      if index == 0 { return input.read() }
      try lines.parse(batch[index - 1])
    }
    builder.reserve(batch, times: extent)
    for block in batch {
      builder.add(block, file: lines.file)
      if let range = block.columns.tag { tag = Array(block.text(range)) }
    }
  }

  private mutating func addJSON(_ block: LineBlock, _ file: String) throws(Failure) {
    try block.forEachLine { line, _, number throws(Failure) in
      if !LineFields.isIgnored(line) { try addJSON(line, file, number) }
    }
  }

  /// Adds the scores of one object, which has no ranks.
  private mutating func addTable(_ table: JSONTable, _ file: String) throws(Failure) {
    if details.contains(.ranks) {
      throw .data(file, "expected ranks, found a JSON table of scores alone")
    }
    try table.forEach { query, doc, value, line throws(Failure) in
      guard let exact = value.double, Float(exact).isFinite else {
        throw .line(file, line, expected: "a finite score", found: value.kindName)
      }
      query.withUnsafeBytes { query in
        doc.withUnsafeBytes { doc in
          _ = builder.add(
            query: query, doc: doc, score: Float(exact), exactScore: exact, rank: 0, file: file,
            line: line)
        }
      }
    }
  }

  private consuming func finish() throws(Failure) -> Run {
    builder.tag = String(decoding: tag, as: UTF8.self)
    return try builder.finish(
      texts: texts.docs.count > 0 || texts.queries.count > 0 ? texts : nil,
      relevance: relevance?.finish(), pool: pool)
  }

  private static let jsonKeys = [
    "query_id", "doc_id", "score", "query", "text", "relevance", "rank",
  ]

  private mutating func addJSON(
    _ line: UnsafeRawBufferPointer, _ file: String, _ number: Int
  ) throws(Failure) {
    let row = try JSONRow(line, Self.jsonKeys, place: (file, number))
    let (query, doc): ([UInt8], [UInt8])
    do throws(Failure) { (query, doc) = (try row.id(at: 0), try row.id(at: 1)) } catch {
      var failure = error
      // A line of a run has all three.
      let isRun = row.isPresent(0) && row.isPresent(1) || row.isPresent(2)
      if !isRun { failure.hint = InputSort.texts.hintForRun }
      throw failure
    }
    guard let exact = row.value(2).double, Float(exact).isFinite else {
      throw row.failure(expected: "a finite number under \"score\"", found: row.value(2).kindName)
    }
    let rank = try rank(row)
    let index = query.withUnsafeBytes { query in
      doc.withUnsafeBytes { doc in
        builder.add(
          query: query, doc: doc, score: Float(exact), exactScore: exact, rank: rank, file: file,
          line: number)
      }
    }
    if details.contains(.texts) { try keepTexts(row, query: index) }
    if row.isPresent(5) {
      guard let grade = row.value(5).integer else {
        throw row.failure(
          expected: "an integer under \"relevance\"", found: row.value(5).kindName)
      }
      var judgements = relevance ?? QrelsBuilder(name: file)
      relevance = nil
      query.withUnsafeBytes { query in
        doc.withUnsafeBytes { doc in
          judgements.add(query: query, doc: doc, grade: grade, file: file, line: number)
        }
      }
      relevance = judgements
    }
  }

  private func rank(_ row: JSONRow) throws(Failure) -> UInt32 {
    if !details.contains(.ranks) { return 0 }
    guard let rank = row.value(6).integer.flatMap({ UInt32(exactly: $0) }) else {
      throw row.failure(
        expected: "a rank from 0 on under \"rank\"", found: row.value(6).kindName)
    }
    return rank
  }

  /// Keeps the texts of a line: those that the run's first line has.
  private mutating func keepTexts(_ row: JSONRow, query: Int) throws(Failure) {
    let isFirst = !hasLines
    hasLines = true
    if isFirst ? row.isPresent(4) : texts.docs.count > 0 {
      texts.docs.append(try row.text(at: 4))
    }
    guard isFirst ? row.isPresent(3) : texts.queries.count > 0 else { return }
    let text = try row.text(at: 3)
    if query == texts.queries.count {
      texts.queries.append(text)
    } else if texts.queries.withBytes(query, { !$0.elementsEqual(text) }) {
      throw row.failure(expected: "one text for a query", found: "another \(Bytes.quoted(text))")
    }
  }
}

/// Reads blocks ahead, on whichever thread is free.
///
/// Unchecked: `read` runs on one thread at a time, as one index of a loop of the pool, and writes all
/// variables but `extent`. The thread that runs the loop takes blocks, gives them back and looks at
/// the rest between two loops, which order the two.
private final class RunInput: @unchecked Sendable {
  private let lines: LineReader
  private var blocks: [RunBlock] = []
  /// Blocks that wait to be filled.
  private(set) var spare: [RunBlock]
  private var isAtEnd = false
  /// What went wrong behind the last block.
  private(set) var failure: Failure?
  /// How much longer the input is than what was read.
  private(set) var extent = 1.0

  init(_ lines: LineReader, _ spare: [RunBlock]) {
    self.lines = lines
    self.spare = spare
  }

  /// Reads the next blocks, up to the end or a failure, which has to wait until they are parsed:
  /// of several mistakes the first in the file is told.
  func read() {
    do throws(Failure) {
      while !isAtEnd, blocks.count < RunReader.blocksAtOnce, let block = spare.last {
        if try lines.next(into: block.lines) {
          spare.removeLast()
          blocks.append(block)
        } else {
          isAtEnd = true
        }
      }
    } catch {
      failure = error
      isAtEnd = true
    }
  }

  /// The blocks that were read.
  func take() -> [RunBlock] {
    extent = lines.extent
    defer { blocks.removeAll() }
    return blocks
  }

  func giveBack(_ blocks: [RunBlock]) { spare += blocks }
}
