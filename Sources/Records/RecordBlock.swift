import Failures

/// Bytes that hold whole records: what the sequential reader hands to parsers on any thread.
package struct RecordBlock: Sendable {
  /// The records as they are in the file.
  var bytes: [UInt8]
  /// Line, from 1, where the block starts.
  package let firstLine: Int
  /// Name of the input.
  package let file: String
  /// Ordinal, over all operands, of the first record.
  package let firstOrdinal: Int
  /// Number of records, good and bad.
  package let count: Int
  /// How they are written down; never `auto`.
  let format: RecordFormat
  /// Lines at the start that are no records.
  var headerLines = 0
  /// Whether nothing stands behind it in the file; known of SGML that is cut, alone.
  var endsFile = false
  /// The TSV columns that make up id and text.
  var columns = TSVColumns()
  /// Positions in the block of the records that were asked for.
  var kept: Range<Int>
}

/// Parses blocks of records: pure, so that several threads can share one.
package struct RecordParser: Sendable {
  /// How records are read.
  package let options: RecordOptions

  /// A parser with these options.
  package init(_ options: RecordOptions = RecordOptions()) { self.options = options }

  /// The records of a block.
  ///
  /// - Throws: 65 with file, line, what was expected and what was found, at the first bad
  ///   record, unless the options say that it is to be skipped.
  package func parse(_ block: consuming RecordBlock) throws(Failure) -> RecordBatch {
    switch block.format {
    case .jsonl: return try JSONLRecords.parse(block, options)
    case .trec: return try TRECRecords.parse(block, options)
    case .tsv, .auto: return try TSVRecords.parse(block, options)
    }
  }
}

/// What the parsers share: a batch that grows, and what to do with bad records.
struct BatchBuilder {
  var batch: RecordBatch
  private let onError: RecordErrorPolicy

  /// An empty batch for `block`; the arena takes `bytes` over.
  init(_ block: borrowing RecordBlock, bytes: [UInt8], onError: RecordErrorPolicy) {
    batch = RecordBatch(
      bytes: bytes, slots: [], firstOrdinal: block.firstOrdinal, firstLine: block.firstLine,
      file: block.file)
    batch.slots.reserveCapacity(block.kept.count)
    batch.skips = onError == .skip
    self.onError = onError
  }

  /// Takes note of a bad record, or throws why it is one; a record that is intact, but that the options
  /// do not suit, is not passed over.
  mutating func reject(_ failure: Failure) throws(Failure) {
    if onError == .fail || failure.status != .data { throw failure }
    if batch.firstSkipped == nil { batch.firstSkipped = failure }
    batch.skipped += 1
  }

  /// Appends `id` and `text` to the arena as a record.
  mutating func append(
    id: [UInt8], text: [UInt8], split: Int? = nil, position: Int, line: Int
  ) {
    let idStart = UInt32(batch.bytes.count)
    batch.bytes.append(contentsOf: id)
    let textStart = UInt32(batch.bytes.count)
    batch.bytes.append(contentsOf: text)
    let textEnd = UInt32(batch.bytes.count)
    batch.slots.append(
      RecordBatch.Slot(
        idStart: idStart, idEnd: textStart, textStart: textStart, textEnd: textEnd,
        split: split.map { textStart + UInt32($0) } ?? textEnd, position: UInt32(position),
        line: UInt32(line - batch.firstLine)))
  }
}
