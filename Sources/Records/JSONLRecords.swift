import Failures

/// Records of JSON objects, one a line.
enum JSONLRecords {
  /// The records of a block of lines.
  static func parse(
    _ block: consuming RecordBlock, _ options: RecordOptions
  ) throws(Failure) -> RecordBatch {
    var bytes: [UInt8] = []
    swap(&bytes, &block.bytes)
    var builder = BatchBuilder(block, bytes: [], onError: options.onError)
    builder.batch.bytes.reserveCapacity(bytes.count)
    let layout = JSONLLayout(options)
    let (kept, first, file) = (block.kept, block.firstLine, block.file)
    try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      var position = 0
      var start = 0
      while start < raw.count, position < kept.upperBound {
        let next = TextCheck.find(Bytes.newline, raw, start..<raw.count) ?? raw.count
        defer { start = next + 1; position += 1 }
        if position < kept.lowerBound { continue }
        let line = UnsafeRawBufferPointer(UnsafeRawBufferPointer(rebasing: raw[start..<next]))
        do throws(Failure) {
          let row = try JSONRow(line, layout.keys, place: (file, first + position))
          try layout.append(row, position: position, line: first + position, to: &builder)
        } catch { try builder.reject(error) }
      }
    }
    return builder.batch
  }
}
