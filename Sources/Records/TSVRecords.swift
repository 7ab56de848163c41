import Failures
import Glibc
import JSON
import Streams

/// Records of tab-separated lines: `id<TAB>text`, without quoting.
///
/// Ids and texts stay where they were read. Where a text has several columns, its tabs become
/// spaces in place.
enum TSVRecords {
  /// The records of a block of lines.
  static func parse(
    _ block: consuming RecordBlock, _ options: RecordOptions
  ) throws(Failure) -> RecordBatch {
    // Taken out of the block, so that the arena has one owner and is not copied.
    var bytes: [UInt8] = []
    swap(&bytes, &block.bytes)
    var builder = BatchBuilder(block, bytes: [], onError: options.onError)
    var extra: [UInt8] = []
    let base = bytes.count
    let (kept, header, columns) = (block.kept, block.headerLines, block.columns)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      try ByteOrderMark.refuse(
        in: UnsafeRawBufferPointer(raw), file: builder.batch.file,
        firstLine: builder.batch.firstLine)
      let isClean = TextCheck.isClean(UnsafeRawBufferPointer(raw))
      var position = -header
      var start = 0
      while start < raw.count, position < kept.upperBound {
        let next = TextCheck.find(Bytes.newline, raw, start..<raw.count) ?? raw.count
        defer { start = next + 1; position += 1 }
        if position < kept.lowerBound { continue }
        let end = next > start && raw[next - 1] == 0x0D ? next - 1 : next
        let row = Row(
          start: start, end: end, position: position, line: position + header, isClean: isClean)
        do throws(Failure) {
          if columns.isQuoted { try refuseQuotes(raw, row, builder.batch) }
          let slot =
            options.content == .pairs
            ? try pair(raw, row, builder.batch)
            : columns.isPlain
              ? try text(raw, row, builder.batch)
              : try picked(raw, row, builder.batch, columns, &extra, base)
          builder.batch.slots.append(slot)
        } catch { try builder.reject(error) }
      }
    }
    if !extra.isEmpty { bytes.append(contentsOf: extra) }
    builder.batch.bytes = bytes
    return builder.batch
  }

  /// One line: its range without the line's end, and where it is.
  private struct Row {
    var start: Int
    var end: Int
    var position: Int
    /// Lines since the block's first.
    var line: Int
    /// Whether the whole block is known to be UTF-8 without NUL.
    var isClean: Bool
  }

  /// Refuses a line with a field in quotes, where the header has its names in quotes.
  private static func refuseQuotes(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ batch: RecordBatch
  ) throws(Failure) {
    var isFirst = true
    for place in row.start..<row.end {
      if isFirst, raw[place] == UInt8(ascii: "\"") {
        var failure = Failure.line(
          batch.file, batch.firstLine + row.line, expected: "fields without quotes",
          found: Bytes.quoted(raw[row.start..<row.end]))
        failure.hint = "fields are read as they stand: write them without quoting, or as JSON lines"
        throw failure
      }
      isFirst = raw[place] == Bytes.tab
    }
  }

  /// Splits the id off a line and checks it; the offset of the tab behind it.
  private static func idEnd(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, from start: Int, _ batch: RecordBatch,
    expected: String
  ) throws(Failure) -> Int {
    guard let tab = TextCheck.find(Bytes.tab, raw, start..<row.end) else {
      let whole = raw[row.start..<row.end]
      var failure = Failure.line(
        batch.file, batch.firstLine + row.line, expected: expected,
        found: whole.isEmpty ? "an empty line" : Bytes.quoted(whole))
      failure.hint = InputSort.of(UnsafeRawBufferPointer(rebasing: whole))?.hintForTexts
      throw failure
    }
    try checkID(raw, row, start..<tab, batch)
    return tab
  }

  @inline(__always)
  private static func checkID(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ range: Range<Int>, _ batch: RecordBatch
  ) throws(Failure) {
    var bad = range.isEmpty
    for i in range where Bytes.isForbiddenInID(raw[i]) { bad = true }
    if bad, let problem = RecordID.problem(with: raw[range]) {
      throw .line(
        batch.file, batch.firstLine + row.line, expected: problem.expected, found: problem.found)
    }
  }

  private static func text(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ batch: RecordBatch
  ) throws(Failure) -> RecordBatch.Slot {
    if !row.isClean { try check(raw, row, batch) }
    let tab = try idEnd(raw, row, from: row.start, batch, expected: "id<TAB>text")
    var rest = tab + 1
    while let next = TextCheck.find(Bytes.tab, raw, rest..<row.end) {
      raw[next] = Bytes.space
      rest = next + 1
    }
    return slot(row, id: row.start..<tab, text: (tab + 1)..<row.end)
  }

  private static func pair(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ batch: RecordBatch
  ) throws(Failure) -> RecordBatch.Slot {
    if !row.isClean { try check(raw, row, batch) }
    let expected = "query_id<TAB>doc_id<TAB>query<TAB>doc"
    let first = try idEnd(raw, row, from: row.start, batch, expected: expected)
    let second = try idEnd(raw, row, from: first + 1, batch, expected: expected)
    guard let third = TextCheck.find(Bytes.tab, raw, (second + 1)..<row.end),
      TextCheck.find(Bytes.tab, raw, (third + 1)..<row.end) == nil
    else {
      let count = raw[row.start..<row.end].count { $0 == Bytes.tab } + 1
      throw .line(
        batch.file, batch.firstLine + row.line, expected: expected, found: "\(count) columns")
    }
    return slot(row, id: row.start..<second, text: (second + 1)..<row.end, split: third)
  }

  /// A text of some columns: in place where it is one, else copied to `extra`.
  private static func picked(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ batch: RecordBatch, _ columns: TSVColumns,
    _ extra: inout [UInt8], _ base: Int
  ) throws(Failure) -> RecordBatch.Slot {
    if !row.isClean { try check(raw, row, batch) }
    var ranges: [Range<Int>] = []
    var start = row.start
    while true {
      let end = TextCheck.find(Bytes.tab, raw, start..<row.end) ?? row.end
      ranges.append(start..<end)
      if end == row.end { break }
      start = end + 1
    }
    if ranges.count == 1 {
      _ = try idEnd(raw, row, from: row.start, batch, expected: "id<TAB>text")
    }
    if let missing = ([columns.id] + columns.texts).first(where: { $0 > ranges.count }) {
      throw .line(
        batch.file, batch.firstLine + row.line, expected: "a column \(missing)",
        found: "\(ranges.count) columns")
    }
    let id = ranges[columns.id - 1]
    try checkID(raw, row, id, batch)
    let wanted =
      columns.texts.isEmpty
      ? (1...ranges.count).filter { $0 != columns.id } : columns.texts
    if wanted.count == 1 { return slot(row, id: id, text: ranges[wanted[0] - 1]) }
    let textStart = base + extra.count
    for (i, column) in wanted.enumerated() {
      if i > 0 { extra.append(Bytes.space) }
      extra.append(contentsOf: raw[ranges[column - 1]])
    }
    return slot(row, id: id, text: textStart..<base + extra.count)
  }

  @inline(__always)
  private static func slot(
    _ row: Row, id: Range<Int>, text: Range<Int>, split: Int? = nil
  ) -> RecordBatch.Slot {
    RecordBatch.Slot(
      idStart: UInt32(id.lowerBound), idEnd: UInt32(id.upperBound),
      textStart: UInt32(text.lowerBound), textEnd: UInt32(text.upperBound),
      split: UInt32(split ?? text.upperBound), position: UInt32(row.position),
      line: UInt32(row.line))
  }

  private static func check(
    _ raw: UnsafeMutableRawBufferPointer, _ row: Row, _ batch: RecordBatch
  ) throws(Failure) {
    if let problem = TextCheck.problem(UnsafeRawBufferPointer(raw), row.start..<row.end) {
      throw .line(
        batch.file, batch.firstLine + row.line, expected: problem.expected, found: problem.found)
    }
  }
}

/// Checks of whole blocks: UTF-8 without NUL.
enum TextCheck {
  /// The offset of the first `byte` in a range, or nil.
  @inline(__always)
  static func find(
    _ byte: UInt8, _ bytes: UnsafeMutableRawBufferPointer, _ range: Range<Int>
  ) -> Int? {
    guard !range.isEmpty, let base = bytes.baseAddress,
      let found = memchr(base + range.lowerBound, Int32(byte), range.count)
    else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  /// Whether the bytes are UTF-8 without NUL.
  static func isClean(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var i = 0
    while i < bytes.count {
      i = endOfPlain(bytes, from: i)
      if i == bytes.count { return true }
      // The next bytes one by one, up to the end of a character.
      var end = min(i + 64, bytes.count)
      while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
      for j in i..<end where bytes[j] == 0 { return false }
      if UTF8Validation.firstInvalid(bytes, i..<end) != nil { return false }
      i = end
    }
    return true
  }

  /// How far whole blocks of 64 bytes are ASCII without NUL.
  private static func endOfPlain(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    let ones = SIMD8<UInt64>(repeating: 0x0101_0101_0101_0101)
    var i = start
    while i + 64 <= bytes.count {
      let words = bytes.loadUnaligned(fromByteOffset: i, as: SIMD8<UInt64>.self)
      // A high bit shows in the word; a NUL borrows, and shows when 1 is taken from each byte.
      let marks = words | (words &- ones)
      let four = marks.lowHalf | marks.highHalf
      let two = four.lowHalf | four.highHalf
      if (two[0] | two[1]) & 0x8080_8080_8080_8080 != 0 { return i }
      i += 64
    }
    return i
  }

  /// Why a range is no text; nil if it is.
  static func problem(
    _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
  ) -> (expected: String, found: String)? {
    if let nul = bytes[range].firstIndex(of: 0) {
      return ("text without NUL", "a NUL at byte \(nul - range.lowerBound + 1) of the line")
    }
    guard let bad = UTF8Validation.firstInvalid(bytes, range) else { return nil }
    let hex = String(bytes[bad], radix: 16)
    return ("valid UTF-8", "byte 0x\(hex) at byte \(bad - range.lowerBound + 1) of the line")
  }
}
