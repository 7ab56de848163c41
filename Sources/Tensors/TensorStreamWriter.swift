import Failures
import Streams

/// Writes one member of a tensor stream.
///
/// Where a segment ends depends on the records alone: after `StreamLimits.recordsPerSegment`, or
/// with the record that brings the data to `StreamLimits.bytesPerSegment`.
package final class TensorStreamWriter {
  private let output: ByteWriter
  package let schema: StreamSchema
  package let description: StreamDescription
  private var columns: [[UInt8]]
  private var ids: [UInt8] = []
  private var idOffsets: [Int64] = [0]
  private var offsets: [Int64] = [0]
  /// Bytes of the segment's data so far.
  private var dataSize: Int
  private var first = 0
  private var checksums: [UInt8] = []
  private var segments = 0

  package init(_ output: ByteWriter, schema: StreamSchema, description: StreamDescription) {
    self.output = output
    self.schema = schema
    self.description = description
    columns = Array(repeating: [], count: schema.columns.count)
    dataSize = schema.emptySegmentSize
  }

  /// Continues a member whose first segments are already written.
  package init(
    _ output: ByteWriter, schema: StreamSchema, description: StreamDescription,
    after done: FinishedSegments
  ) {
    self.output = output
    self.schema = schema
    self.description = description
    columns = Array(repeating: [], count: schema.columns.count)
    dataSize = schema.emptySegmentSize
    first = done.records
    segments = done.segments
    checksums = done.checksums
  }

  /// Records so far.
  package var records: Int { first + idOffsets.count - 1 }

  /// Appends a record.
  ///
  /// - Parameters:
  ///   - id: The record's id.
  ///   - items: Items of the ragged columns.
  ///   - values: Bytes of each column, in the schema's order.
  /// - Throws: 74 where writing fails.
  package func append(
    id: UnsafeRawBufferPointer, items: Int = 1, _ values: [UnsafeRawBufferPointer]
  ) throws(Failure) {
    precondition(values.count == columns.count, "\(values.count) of \(columns.count) columns")
    for (i, column) in schema.columns.enumerated() {
      let size = column.itemSize * (column.isRagged ? items : 1)
      precondition(values[i].count == size, "\(column.name): \(values[i].count) of \(size) bytes")
      columns[i].append(contentsOf: values[i])
      dataSize += size
    }
    ids.append(contentsOf: id)
    idOffsets.append(Int64(ids.count))
    dataSize += id.count + 8
    if schema.isRagged {
      offsets.append((offsets.last ?? 0) + Int64(items))
      dataSize += 8
    }
    if idOffsets.count - 1 == StreamLimits.recordsPerSegment
      || dataSize >= StreamLimits.bytesPerSegment
    {
      try endSegment()
    }
  }

  /// Ends the member and the output.
  package func finish() throws(Failure) {
    try finishMember()
    try output.finish()
  }

  /// Ends the member: an empty one still says what it would have held.
  package func finishMember() throws(Failure) {
    if idOffsets.count > 1 || segments == 0 { try endSegment() }
    let metadata = [
      "lir.format": "1", "lir.kind": "end", "lir.records": String(first),
      "lir.segments": String(segments), "lir.chain": Checksum.hex(Checksum.xxh3(checksums)),
    ]
    try write(metadata: metadata, tensors: [], data: [])
  }

  private func endSegment() throws(Failure) {
    let count = idOffsets.count - 1
    var metadata = segments == 0 ? description.metadata : [:]
    metadata["lir.format"] = "1"
    metadata["lir.kind"] = schema.kind.rawValue
    metadata["lir.role"] = description.role.rawValue
    metadata["lir.first"] = String(first)
    metadata["lir.records"] = String(count)
    let checksum = try write(metadata: metadata, tensors: tensors(count), data: data())
    checksums.append(contentsOf: Checksum.hex(checksum).utf8)
    segments += 1
    first += count
    for i in columns.indices { columns[i].removeAll(keepingCapacity: true) }
    ids.removeAll(keepingCapacity: true)
    idOffsets = [0]
    offsets = [0]
    dataSize = schema.emptySegmentSize
  }

  /// Names, types and shapes by decreasing element size, then name.
  private func tensors(_ count: Int) -> [(name: String, type: ElementType, shape: [Int])] {
    layout.map { name in
      switch name {
      case "id_offsets": return (name, .i64, [count + 1])
      case "ids": return (name, .u8, [ids.count])
      case "offsets": return (name, .i64, [count + 1])
      default:
        guard let column = schema.columns.first(where: { $0.name == name }) else {
          preconditionFailure("no column \(name)")
        }
        let items = column.isRagged ? Int(offsets.last ?? 0) : count
        return (name, column.type, [items] + (column.width.map { [$0] } ?? []))
      }
    }
  }

  private var layout: [String] {
    var named = schema.columns.map { (size: $0.type.size, name: $0.name) }
    named += [(8, "id_offsets"), (1, "ids")]
    if schema.isRagged { named.append((8, "offsets")) }
    named.sort { $0.size != $1.size ? $0.size > $1.size : $0.name < $1.name }
    return named.map(\.name)
  }

  private func data() -> [UInt8] {
    var data: [UInt8] = []
    data.reserveCapacity(dataSize + 16)
    for name in layout {
      switch name {
      case "id_offsets": idOffsets.withUnsafeBytes { data.append(contentsOf: $0) }
      case "ids": data.append(contentsOf: ids)
      case "offsets": offsets.withUnsafeBytes { data.append(contentsOf: $0) }
      default:
        for (i, column) in schema.columns.enumerated() where column.name == name {
          data.append(contentsOf: columns[i])
        }
      }
    }
    return data
  }

  /// Writes a segment as one frame, with its checksum in its header.
  @discardableResult
  private func write(
    metadata: [String: String], tensors: [(name: String, type: ElementType, shape: [Int])],
    data: [UInt8]
  ) throws(Failure) -> UInt64 {
    var metadata = metadata
    metadata["lir.xxh3"] = StreamLimits.checksumPlaceholder
    var header = SafeTensorsHeader.encode(metadata: metadata, tensors: tensors)
    let running = RunningChecksum()
    header.withUnsafeBytes { running.update(UnsafeRawBufferPointer(rebasing: $0[8...])) }
    running.update(data)
    let checksum = running.value
    guard let place = StreamLimits.checksumPlace(in: header) else {
      preconditionFailure("a header without a checksum")
    }
    header.replaceSubrange(place, with: Checksum.hex(checksum).utf8)
    try output.write(header)
    try output.write(data)
    try output.endFrame()
    return checksum
  }
}

/// What a resumed writer must know of the segments that are already there.
package struct FinishedSegments: Sendable, Equatable {
  package var records = 0
  package var segments = 0
  /// The segments' checksums as text, in order.
  package var checksums: [UInt8] = []

  package init() {}
}

/// Numbers of the tensor stream format.
package enum StreamLimits {
  package static let recordsPerSegment = 1024
  package static let bytesPerSegment = 4 << 20
  /// Caps that a reader holds a segment to before it allocates: one record may be large, but not
  /// that large.
  package static let maximumHeader = 16 << 20
  package static let maximumData = 1 << 32
  package static let maximumWidth = 1 << 24

  static let checksumPlaceholder = "0000000000000000"

  /// Where the checksum stands in a header (with or without its length): behind its key.
  static func checksumPlace(in header: [UInt8]) -> Range<Int>? {
    let key = Array("\"lir.xxh3\":\"".utf8)
    // The key sorts last in `__metadata__`, which sorts first: the first match is it, for a quote
    // inside a value is escaped.
    var start = 0
    while start + key.count <= header.count {
      if header[start] == key[0], header[start..<start + key.count].elementsEqual(key) {
        let end = start + key.count + 16
        return end <= header.count ? start + key.count..<end : nil
      }
      start += 1
    }
    return nil
  }
}
