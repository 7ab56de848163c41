import Failures

/// One data segment of a tensor stream, checked and in memory.
package struct TensorSegment: Sendable {
  package let schema: StreamSchema
  /// Ordinal of the first record since the member's start.
  package let first: Int
  package let records: Int
  /// Description of the member that the segment belongs to.
  package let description: StreamDescription
  let data: [UInt8]
  let places: [Int]
  let idOffsetsPlace: Int
  let idsPlace: Int
  let offsetsPlace: Int?

  private func int64(_ place: Int, _ index: Int) -> Int {
    data.withUnsafeBytes {
      Int(Int64(littleEndian: $0.loadUnaligned(fromByteOffset: place + 8 * index, as: Int64.self)))
    }
  }

  /// Items of the ragged columns before record `index`.
  package func offset(_ index: Int) -> Int {
    offsetsPlace.map { int64($0, index) } ?? index
  }

  /// Items of record `index`.
  package func items(_ index: Int) -> Int { offset(index + 1) - offset(index) }

  /// Calls `body` with the id of a record.
  package func withID<R, E: Error>(
    _ index: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let range =
      idsPlace + int64(idOffsetsPlace, index)..<idsPlace + int64(idOffsetsPlace, index + 1)
    return try data.withBytes { bytes throws(E) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
  }

  package func id(_ index: Int) -> [UInt8] { withID(index) { Array($0) } }

  /// Calls `body` with the bytes of a column of a record; they may be unaligned.
  package func withValues<R, E: Error>(
    _ index: Int, column: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    let size = schema.columns[column].itemSize
    let ragged = schema.columns[column].isRagged
    let start = places[column] + size * (ragged ? offset(index) : index)
    let end = places[column] + size * (ragged ? offset(index + 1) : index + 1)
    return try data.withBytes { bytes throws(E) in
      try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
    }
  }

  /// The elements of a column of a record.
  package func values<T: BitwiseCopyable>(_ index: Int, column: Int, as type: T.Type) -> [T] {
    withValues(index, column: column) { bytes in
      let count = bytes.count / MemoryLayout<T>.stride
      return [T](unsafeUninitializedCapacity: count) { target, filled in
        UnsafeMutableRawBufferPointer(target).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * MemoryLayout<T>.stride)]))
        filled = count
      }
    }
  }
}

extension TensorStreamWriter {
  /// Appends record `index` of a segment with the same schema.
  package func append(_ segment: TensorSegment, _ index: Int) throws(Failure) {
    precondition(segment.schema == schema, "another schema")
    let columns = schema.columns.indices.map { column in
      segment.withValues(index, column: column) { Array($0) }
    }
    try segment.withID(index) { id throws(Failure) in
      try Self.withBuffers(columns) { values throws(Failure) in
        try append(id: id, items: segment.items(index), values)
      }
    }
  }

  private static func withBuffers(
    _ columns: [[UInt8]], _ body: ([UnsafeRawBufferPointer]) throws(Failure) -> Void,
    _ values: [UnsafeRawBufferPointer] = []
  ) throws(Failure) {
    guard values.count < columns.count else { return try body(values) }
    try columns[values.count].withBytes { bytes throws(Failure) in
      try withBuffers(columns, body, values + [bytes])
    }
  }
}

extension TensorStreamWriter {
  /// Appends a record whose columns are byte arrays.
  package func append(id: [UInt8], items: Int, _ columns: [[UInt8]]) throws(Failure) {
    try id.withBytes { id throws(Failure) in
      try Self.withBuffers(columns) { values throws(Failure) in
        try append(id: id, items: items, values)
      }
    }
  }
}
