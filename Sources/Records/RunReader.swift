import Failures
import JSON
import Streams

/// How a run is written down.
package enum RunFormat: String, Sendable, CaseIterable {
  /// JSONL where the first byte is `{`, else TREC.
  case auto
  /// `query Q0 doc rank score tag`, separated by any white space; the rank does not count.
  case trec
  /// `{"query_id","doc_id","rank","score","query","text","relevance"}` a line; the first two and
  /// the score must be there.
  case jsonl
  /// `query doc rank`, as MS MARCO has it: the score is minus the rank.
  case msmarco
  /// `trec` with anything behind the tag, as trec_eval reads it.
  case trecEval = "trec_eval"
}

/// Reads runs, whole: lines may come in any order, so nothing is known before the last.
///
/// Lines that start with `#` are comments, and blank lines are nothing, as trec_eval has it.
package struct RunReader {
  private let format: RunFormat
  private let keepsTexts: Bool
  private var builder: RunBuilder
  private var texts = RunTexts()
  private var relevance: QrelsBuilder?
  private var tag: [UInt8] = []

  /// Reads the lines of all operands as one run, and keeps the texts of JSONL if asked to.
  ///
  /// Exit 65 for a malformed line, a score that is no finite number, or a
  ///   document twice in a query. A run without lines is legal: an empty shard.
  ///
  /// `opened`: readers of operands that are open already.
  package static func read(
    _ operands: [String], format: RunFormat = .auto, keepingTexts: Bool = false,
    opened: [String: ByteReader] = [:]
  ) throws(Failure) -> Run {
    let name = operands.joined(separator: " ")
    var reader = RunReader(name: name, format: format, keepsTexts: keepingTexts)
    for operand in operands { try reader.read(operand, opened[operand]) }
    return try reader.finish()
  }

  /// Reads one run.
  package static func read(
    _ operand: String, format: RunFormat = .auto, keepingTexts: Bool = false
  ) throws(Failure) -> Run {
    try read([operand], format: format, keepingTexts: keepingTexts)
  }

  private init(name: String, format: RunFormat, keepsTexts: Bool) {
    self.format = format
    self.keepsTexts = keepsTexts
    builder = RunBuilder(name: name)
  }

  private mutating func read(_ operand: String, _ opened: ByteReader?) throws(Failure) {
    var bytes = opened
    if bytes == nil { bytes = try ByteReader(operand) }
    guard let bytes else { return }
    let lines = LineReader(bytes)
    var format = format
    while let block = try lines.next() {
      if format == .auto {
        let start = block.bytes.first { !Bytes.isSpace($0) }
        format = start == UInt8(ascii: "{") ? .jsonl : .trec
      }
      try block.forEachLine { line, _, number throws(Failure) in
        if LineFields.isIgnored(line) { return }
        switch format {
        case .trec, .auto: try addTREC(line, operand, number, isLenient: false)
        case .trecEval: try addTREC(line, operand, number, isLenient: true)
        case .msmarco: try addMSMARCO(line, operand, number)
        case .jsonl: try addJSON(line, operand, number)
        }
      }
    }
  }

  private consuming func finish() throws(Failure) -> Run {
    builder.tag = String(decoding: tag, as: UTF8.self)
    return try builder.finish(
      texts: keepsTexts && texts.docs.count > 0 ? texts : nil, relevance: relevance?.finish())
  }

  private mutating func addTREC(
    _ line: UnsafeRawBufferPointer, _ file: String, _ number: Int, isLenient: Bool
  ) throws(Failure) {
    let fields = LineFields(line)
    guard fields.count == 6 || (isLenient && fields.count > 6) else {
      throw Failure.data(
        "\(file):\(number)",
        "expected 6 fields (query Q0 doc rank score tag), found \(fields.count)",
        hint: fields.count == 3 ? "read MS MARCO's runs with --run-format msmarco" : nil)
    }
    guard let score = NumberText.score(fields[4]) else {
      throw .line(file, number, expected: "a finite score", found: fields.quoted(4))
    }
    try IDCheck.check(fields[0], fields[2], file, number)
    if !fields[5].elementsEqual(tag) { tag = Array(fields[5]) }
    builder.add(query: fields[0], doc: fields[2], score: score, file: file, line: number)
  }

  private mutating func addMSMARCO(
    _ line: UnsafeRawBufferPointer, _ file: String, _ number: Int
  ) throws(Failure) {
    let fields = LineFields(line)
    guard fields.count == 3 else {
      throw .line(file, number, expected: "3 fields (query doc rank)", found: "\(fields.count)")
    }
    // Single precision tells ranks up to 2^24 apart.
    guard let rank = NumberText.integer(fields[2]), (1...1 << 24).contains(rank) else {
      throw .line(file, number, expected: "a rank from 1 to 16777216", found: fields.quoted(2))
    }
    try IDCheck.check(fields[0], fields[1], file, number)
    builder.add(query: fields[0], doc: fields[1], score: -Float(rank), file: file, line: number)
  }

  private static let jsonKeys = ["query_id", "doc_id", "score", "query", "text", "relevance"]

  private mutating func addJSON(
    _ line: UnsafeRawBufferPointer, _ file: String, _ number: Int
  ) throws(Failure) {
    let row = try JSONRow(line, Self.jsonKeys, place: (file, number))
    let query = try row.id(at: [0], names: "\"query_id\"")
    let doc = try row.id(at: [1], names: "\"doc_id\"")
    guard let score = row.value(2).double.map({ Float($0) }), score.isFinite else {
      throw row.failure(expected: "a finite number under \"score\"", found: row.value(2).kindName)
    }
    let index = query.withUnsafeBytes { query in
      doc.withUnsafeBytes { doc in
        builder.add(query: query, doc: doc, score: score, file: file, line: number)
      }
    }
    if keepsTexts { try keepTexts(row, query: index) }
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

  private mutating func keepTexts(_ row: JSONRow, query: Int) throws(Failure) {
    texts.docs.append(try row.text(at: 4))
    let text = try row.text(at: 3)
    if query == texts.queries.count {
      texts.queries.append(text)
    } else if texts.queries.withBytes(query, { !$0.elementsEqual(text) }) {
      throw row.failure(expected: "one text for a query", found: "another \(Bytes.quoted(text))")
    }
  }
}
