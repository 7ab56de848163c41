import Failures

/// Gathers records of a segment that no stream has.
package struct SegmentBuilder {
  private let schema: StreamSchema
  private let description: StreamDescription
  private let first: Int
  private var ids: [UInt8] = []
  private var idOffsets: [Int64] = [0]
  private var offsets: [Int64] = [0]
  private var columns: [[UInt8]]
  private var size = 0

  /// - Parameters:
  ///   - schema: What the records are.
  ///   - description: What is said of them.
  ///   - first: Ordinal of the first record.
  package init(_ schema: StreamSchema, _ description: StreamDescription, first: Int) {
    self.schema = schema
    self.description = description
    self.first = first
    columns = schema.columns.map { _ in [] }
  }

  package var records: Int { idOffsets.count - 1 }

  /// Whether a stream's writer would end the segment here.
  package var isFull: Bool {
    records == StreamLimits.recordsPerSegment || size >= StreamLimits.bytesPerSegment
  }

  /// Appends a record with one column.
  ///
  /// - Parameters:
  ///   - id: The record's id.
  ///   - items: Items of a ragged column.
  ///   - fill: Appends the bytes of the record to those of the column.
  /// - Throws: What `fill` throws.
  mutating func append(
    id: [UInt8], items: Int = 1, _ fill: (inout [UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    let before = columns[0].count
    try fill(&columns[0])
    precondition(
      columns[0].count - before == schema.columns[0].itemSize * items, "bytes of another shape")
    ids += id
    idOffsets.append(Int64(ids.count))
    offsets.append(offsets[offsets.count - 1] + Int64(items))
    size += columns[0].count - before + id.count + 16
  }

  /// Appends a record.
  ///
  /// - Parameters:
  ///   - id: The record's id.
  ///   - items: Items of the ragged columns.
  ///   - values: The bytes of each column.
  package mutating func append(id: [UInt8], items: Int = 1, _ values: [[UInt8]]) {
    for (place, column) in schema.columns.enumerated() {
      precondition(
        values[place].count == column.itemSize * (column.isRagged ? items : 1),
        "bytes of another shape")
      columns[place] += values[place]
      size += values[place].count
    }
    ids += id
    idOffsets.append(Int64(ids.count))
    offsets.append(offsets[offsets.count - 1] + Int64(items))
    size += id.count + 16
  }

  /// The records so far.
  package var segment: TensorSegment {
    var data: [UInt8] = []
    func place(_ bytes: [UInt8]) -> Int {
      data += bytes
      return data.count - bytes.count
    }
    let idOffsetsPlace = place(idOffsets.withUnsafeBytes { Array($0) })
    let offsetsPlace = schema.isRagged ? place(offsets.withUnsafeBytes { Array($0) }) : nil
    let places = columns.map(place)
    let idsPlace = place(ids)
    return TensorSegment(
      schema: schema, first: first, records: records, description: description, data: data,
      places: places, idOffsetsPlace: idOffsetsPlace, idsPlace: idsPlace,
      offsetsPlace: offsetsPlace)
  }
}
