import Failures
import Models
import Records
import Streams
import Tensors
import Tokenizers
import ToolSupport
import Workers

/// The input of an encoder or a search: text records or a tensor stream, found out by looking at the bytes.
package enum EncodeInput {
  case texts(TextRecordReader)
  case stream(TensorStreamReader)

  /// Opens operands that are all of one sort.
  ///
  /// - Throws: 65 where text and streams are mixed.
  package init(_ operands: [String], options: RecordOptions) throws(Failure) {
    var opened: [String: ByteReader] = [:]
    var streams = 0
    for operand in operands {
      let reader = try ByteReader(operand)
      if try TensorStreamReader.recognizes(reader) { streams += 1 }
      opened[operand] = reader
    }
    if streams == 0 {
      self = .texts(try TextRecordReader(operands, options: options, opened: opened))
      return
    }
    guard streams == operands.count, operands.count == 1, let reader = opened[operands[0]] else {
      throw .data(
        operands.joined(separator: " "), "expected text records, or one tensor stream",
        hint: "lir-encode cat joins streams")
    }
    self = .stream(TensorStreamReader(reader))
  }
}

/// One window of an encoder's input: ids and tokens.
package struct InputWindow {
  package var ids: [[UInt8]]
  package var tokens: TokenWindow
  package var skipped = 0

  /// The records of a text batch as tokens.
  package init(
    _ batch: RecordBatch, _ tokenizer: WindowTokenizer, _ role: RoleTokenizer
  ) throws(Failure) {
    ids = (0..<batch.count).map { batch.id($0).bytes }
    skipped = batch.skipped
    tokens = try tokenizer.tokenize(batch.count) { index, buffer, scratch throws(Failure) in
      try batch.withText(index) { text throws(Failure) in
        try role.append(text, to: &buffer, &scratch)
      }
    }
  }

  /// The records of a token segment.
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
