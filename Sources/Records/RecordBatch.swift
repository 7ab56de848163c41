import Failures

/// Text records in a row, stored flat: what goes from the parsers to the tokenizers.
package struct RecordBatch: Sendable {
  /// Where a record's parts lie in `bytes`, and where it came from.
  package struct Slot: Sendable {
    /// The id.
    var idStart: UInt32
    var idEnd: UInt32
    /// The text; of a pair, both texts with one byte between them.
    var textStart: UInt32
    var textEnd: UInt32
    /// Where a pair's first text ends, or a text's title; `textEnd` where there is one text alone.
    var split: UInt32
    /// Ordinal of the record since the batch's first.
    var position: UInt32
    /// Line of the record since the batch's first.
    var line: UInt32
  }

  /// The arena that holds ids and texts, and perhaps what was between them.
  package var bytes: [UInt8]
  /// One slot a record.
  package var slots: [Slot]
  /// Ordinal, over all operands, of the first record of the block that was parsed.
  package var firstOrdinal: Int
  /// Line, from 1, where that block starts.
  package var firstLine: Int
  /// Name of the input.
  package var file: String
  /// How many bad records were left out.
  package var skipped = 0
  /// Why the first of them was.
  package var firstSkipped: Failure?
  /// Whether bad records are left out, those too that show only when their texts are read.
  package var skips = false

  /// Number of records.
  package var count: Int { slots.count }

  /// Whether there is no record.
  package var isEmpty: Bool { slots.isEmpty }

  /// Leaves out records that turned out to be bad.
  ///
  /// - Parameter refused: their places, in ascending order, and why each is bad.
  package mutating func leaveOut(_ refused: [(index: Int, failure: Failure)]) {
    guard let first = refused.first else { return }
    if firstSkipped == nil { firstSkipped = first.failure }
    skipped += refused.count
    for record in refused.reversed() { slots.remove(at: record.index) }
  }

  /// Ordinal of a record over all operands; bad records count too.
  package func ordinal(_ index: Int) -> Int { firstOrdinal + Int(slots[index].position) }

  /// Line, from 1, where a record starts.
  package func line(_ index: Int) -> Int { firstLine + Int(slots[index].line) }

  /// `file:line` of a record, for messages.
  package func place(_ index: Int) -> String { "\(file):\(line(index))" }

  /// Calls `body` with the bytes of a record's id; of a pair, both ids with a tab between them.
  @inline(__always)
  package func withID<R, E: Error>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let slot = slots[index]
    return try withBytes(slot.idStart, slot.idEnd, body)
  }

  /// Calls `body` with the bytes of a record's text, which are valid UTF-8 without NUL.
  @inline(__always)
  package func withText<R, E: Error>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let slot = slots[index]
    return try withBytes(slot.textStart, slot.textEnd, body)
  }

  /// Calls `body` with the texts of a pair's query and document.
  @inline(__always)
  package func withPair<R, E: Error>(
    _ index: Int,
    _ body: (_ query: UnsafeRawBufferPointer, _ doc: UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let slot = slots[index]
    precondition(slot.split < slot.textEnd, "record \(index) is not a pair")
    return try withBytes(slot.textStart, slot.split) { query throws(E) in
      try withBytes(slot.split + 1, slot.textEnd) { doc throws(E) in try body(query, doc) }
    }
  }

  /// A record's id.
  package func id(_ index: Int) -> RecordID { withID(index) { RecordID($0) } }

  /// Bytes of the title that a record's text begins with; 0 where the record has none, or no text
  /// behind it.
  package func titleLength(_ index: Int) -> Int {
    let slot = slots[index]
    return slot.split < slot.textEnd ? Int(slot.split - slot.textStart) : 0
  }

  /// The ids of a pair's query and document.
  package func pairIDs(_ index: Int) -> (query: RecordID, doc: RecordID) {
    withID(index) { id in
      let tab = id.firstIndex(of: Bytes.tab) ?? id.count
      precondition(tab < id.count, "record \(index) is not a pair")
      return (
        RecordID(UnsafeRawBufferPointer(rebasing: id[..<tab])),
        RecordID(UnsafeRawBufferPointer(rebasing: id[(tab + 1)...]))
      )
    }
  }

  /// A record's id as text.
  package func idString(_ index: Int) -> String {
    withID(index) { String(decoding: $0, as: UTF8.self) }
  }

  /// A record's text.
  package func text(_ index: Int) -> String {
    withText(index) { String(decoding: $0, as: UTF8.self) }
  }

  @inline(__always)
  private func withBytes<R, E: Error>(
    _ start: UInt32, _ end: UInt32, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try bytes.withBytes { bytes throws(E) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)]))
    }
  }
}
