import Failures
import Streams

/// Rows of a NumPy file, read one after the other: the file may be of any size, or a pipe.
final class NPYVectors: VectorRecordSource {
  let schema: StreamSchema
  private let input: ByteReader
  private let header: NPYHeader
  private let elements: FloatElements
  private let ids: RecordIDs
  private var row = 0
  private let buffer: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - input: The file, at its beginning.
  ///   - ids: The ids of the rows.
  /// - Throws: As reading the header does.
  init(_ input: ByteReader, _ ids: RecordIDs) throws(Failure) {
    self.input = input
    self.ids = ids
    header = try NPYHeader(input)
    elements = FloatElements(type: header.type)
    schema = .dense(elements.stored, dimension: header.columns)
    buffer = .allocate(byteCount: header.columns * header.type.size, alignment: 64)
  }

  deinit { buffer.deallocate() }

  var isRounded: Bool { header.type == .f64 }

  var extent: InputExtent {
    InputExtent(read: input.consumed, total: input.size > 0 ? input.size : nil)
  }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    guard row < header.rows else {
      try ids.finish(after: header.rows)
      guard try input.peek(1).isEmpty else {
        throw .data(input.name, "expected \(header.rows) vectors, found bytes behind them")
      }
      return false
    }
    guard try input.readFully(into: buffer) == buffer.count else {
      throw .data(
        "\(input.name): record \(row)",
        "truncated: expected \(header.rows) vectors, found the file's end in number \(row + 1)")
    }
    let (row, name) = (self.row, input.name)
    try segment.append(id: try ids.take(of: header.rows)) { bytes throws(Failure) in
      try elements.append(UnsafeRawBufferPointer(buffer), to: &bytes) { "\(name): record \(row)" }
    }
    self.row += 1
    return true
  }
}
