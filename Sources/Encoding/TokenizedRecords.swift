import Failures
import Models
import Records
import Tensors

/// A block of records as tokens.
package struct TokenizedRecords: Sendable {
  package var ids: [[UInt8]]
  package var tokens: TokenWindow
  /// Bad records that were passed over.
  package var skipped = 0

  /// Tokenises a block of text records; those whose texts are refused are left out where bad ones
  /// are.
  ///
  /// - Throws: 64 where a limit leaves no room for the special tokens; 65 for a text that the
  ///   tokenizer refuses.
  package init(
    _ batch: inout RecordBatch, _ tokenizer: RecordTokenizer, _ threads: WindowTokenizer,
    uncut: Bool = false
  ) throws(Failure) {
    tokens = try tokenizer.tokens(of: &batch, threads, uncut: uncut)
    ids = (0..<batch.count).map { batch.id($0).bytes }
    skipped = batch.skipped
  }

  /// Takes from the front what an earlier run has written.
  package mutating func drop(_ skipper: inout RecordSkipper) {
    let count = skipper.take(atMost: ids.count)
    if count == 0 { return }
    ids.removeFirst(count)
    tokens = tokens.dropFirst(count)
  }

  /// Takes records of a segment of a token stream; nil for all.
  package init(_ segment: TensorSegment, records: Range<Int>? = nil) {
    let records = records ?? 0..<segment.records
    ids = records.map { segment.id($0) }
    tokens = TokenWindow()
    for index in records {
      tokens.ids += segment.values(index, column: 0, as: Int32.self)
      tokens.attended += segment.values(index, column: 1, as: UInt8.self)
      tokens.typeIDs += segment.values(index, column: 2, as: UInt8.self)
      tokens.offsets.append(tokens.ids.count)
    }
  }
}
