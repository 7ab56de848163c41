import Failures
import Glibc
import Streams

/// Takes the lines of a block apart, for all forms of runs that need no parser.
struct RunLines {
  /// `trec`, `trecEval` or `msmarco`.
  let format: RunFormat
  let file: String

  /// Fills the columns of a block with what its lines say.
  ///
  /// Most lines are plain: fields with one space or tab between, and a newline behind the last.
  /// They are cut a word at a time; all others, and all mistakes, are read with more care.
  func parse(_ block: RunBlock) throws(Failure) {
    let text = block.lines.text
    guard let base = text.baseAddress else { return }
    var columns = block.columns
    columns.reset(lines: block.lines.lineCount, bytes: text.count)
    // Whatever happens, the memory has its owner.
    defer { block.columns = columns }
    let end = base + text.count
    var next = base
    var number = block.lines.firstLine
    while next < end {
      if format != .msmarco, let behind = plain(next, end, number, text, into: &columns) {
        next = behind
      } else {
        var lineEnd = end
        if let newline = memchr(next, 0x0A, end - next) { lineEnd = UnsafeRawPointer(newline) }
        let line = UnsafeRawBufferPointer(start: next, count: lineEnd - next)
        if !LineFields.isIgnored(line) { try add(line, number, text, into: &columns) }
        next = lineEnd + 1
      }
      number += 1
    }
  }

  /// Adds a plain line of six fields; where the next one starts, nil if this is not plain.
  @inline(__always)
  private func plain(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ number: Int,
    _ text: UnsafeRawBufferPointer,
    into target: inout RunColumns
  ) -> UnsafeRawPointer? {
    // A word can be loaded up to here.
    let limit = end - 8
    guard let query = PlainFields.field(start, limit), query.first != UInt8(ascii: "#"),
      let iteration = PlainFields.field(PlainFields.behind(query), limit),
      let doc = PlainFields.field(PlainFields.behind(iteration), limit),
      let rank = PlainFields.field(PlainFields.behind(doc), limit),
      let scoreField = PlainFields.field(PlainFields.behind(rank), limit),
      let score = NumberText.score(scoreField),
      let tag = PlainFields.field(PlainFields.behind(scoreField), limit, isLast: true)
    else { return nil }
    var rankNumber: UInt32 = 0
    if target.details.contains(.ranks) {
      guard let parsed = NumberText.integer(rank), let small = UInt32(exactly: parsed) else {
        return nil
      }
      rankNumber = small
    }
    target.add(
      RunColumns.Line(query: query, doc: doc, rank: rankNumber, score: score), number: number,
      in: text)
    if let base = text.baseAddress { target.tag = RunColumns.range(tag, base) }
    return PlainFields.behind(tag)
  }

  /// Adds any line that is neither blank nor a comment.
  private func add(
    _ line: UnsafeRawBufferPointer, _ number: Int, _ text: UnsafeRawBufferPointer,
    into target: inout RunColumns
  ) throws(Failure) {
    let fields = LineFields(line)
    if format == .msmarco {
      try addMSMARCO(fields, number, text, into: &target)
    } else {
      try addTREC(line, fields, number, text, into: &target)
    }
  }

  private func addTREC(
    _ line: UnsafeRawBufferPointer, _ fields: LineFields, _ number: Int,
    _ text: UnsafeRawBufferPointer,
    into target: inout RunColumns
  ) throws(Failure) {
    guard fields.count == 6 || (format == .trecEval && fields.count > 6) else {
      throw .data(
        "\(file):\(number)",
        "expected 6 fields (query Q0 doc rank score tag), found \(fields.count)",
        hint: InputSort.of(line)?.hintForRun
          ?? (fields.count == 3 ? "read MS MARCO's runs with --run-format msmarco" : nil))
    }
    guard let score = NumberText.score(fields[4]) else {
      throw .line(file, number, expected: "a finite score", found: fields.quoted(4))
    }
    try IDCheck.check(fields[0], fields[2], file, number)
    var rank: UInt32 = 0
    if target.details.contains(.ranks) {
      guard let parsed = NumberText.integer(fields[3]), let small = UInt32(exactly: parsed) else {
        throw .line(file, number, expected: "a rank from 0 on", found: fields.quoted(3))
      }
      rank = small
    }
    target.add(
      RunColumns.Line(query: fields[0], doc: fields[2], rank: rank, score: score), number: number,
      in: text)
    if let base = text.baseAddress { target.tag = RunColumns.range(fields[5], base) }
  }

  private func addMSMARCO(
    _ fields: LineFields, _ number: Int, _ text: UnsafeRawBufferPointer,
    into target: inout RunColumns
  ) throws(Failure) {
    guard fields.count == 3 else {
      throw .line(file, number, expected: "3 fields (query doc rank)", found: "\(fields.count)")
    }
    // Single precision tells ranks up to 2^24 apart.
    guard let rank = NumberText.integer(fields[2]), (1...1 << 24).contains(rank) else {
      throw .line(file, number, expected: "a rank from 1 to 16777216", found: fields.quoted(2))
    }
    try IDCheck.check(fields[0], fields[1], file, number)
    target.add(
      RunColumns.Line(
        query: fields[0], doc: fields[1], rank: UInt32(rank), score: (-Float(rank), -Double(rank))),
      number: number, in: text)
  }
}
