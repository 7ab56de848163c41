import Failures
import JSON
import Streams

/// Reads a tensor stream: checks every size before it allocates, every checksum, and the end of
/// every member.
package final class TensorStreamReader {
  private let input: ByteReader
  package var name: String { input.name }
  private var state = State.memberStart
  private var done = FinishedSegments()
  private var member: (schema: StreamSchema, description: StreamDescription)?
  private var members = 0
  /// Records of the members that ended before the current one.
  private var recordsBefore = 0

  private enum State { case memberStart, insideMember, end }

  package init(_ input: ByteReader) { self.input = input }

  package convenience init(_ operand: String) throws(Failure) {
    self.init(try ByteReader(operand))
  }

  /// Whole segments of the current member so far.
  package var finished: FinishedSegments { done }

  /// Bytes of the (compressed) input up to the end of the last whole segment.
  package private(set) var wholeBytes = 0

  /// How far reading is, in bytes.
  package var extent: InputExtent {
    InputExtent(read: input.consumed, total: input.size > 0 ? input.size : nil)
  }

  /// Where an error is: the record that would come next.
  private var place: String { "\(name): record \(recordsBefore + done.records)" }

  /// The next data segment; nil at the end of the stream.
  ///
  /// - Throws: 65 for a stream that is cut or damaged, with the record after which; 78 for what a
  ///   newer version wrote.
  package func next() throws(Failure) -> TensorSegment? {
    while true {
      if state == .end { return nil }
      guard let (header, data) = try segment() else {
        let isNothing = members == 0 && input.consumed == 0 && EmptyInputs.areAllowed
        if state == .insideMember || (members == 0 && !isNothing) {
          throw .data(place, "truncated: the stream ends without its end segment")
        }
        state = .end
        return nil
      }
      if header.metadata("lir.kind") == "end" {
        try endMember(header)
        wholeBytes = input.consumed
        continue
      }
      let segment = try dataSegment(header, data)
      wholeBytes = input.consumed
      return segment
    }
  }

  /// Reads one segment's header and data and checks them; nil at the end of the input.
  private func segment() throws(Failure) -> (SafeTensorsHeader, [UInt8])? {
    let lengthBytes = try bytes(8, allowingEnd: true)
    if lengthBytes.isEmpty { return nil }
    let length = lengthBytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
    }
    guard length >= 2, length <= StreamLimits.maximumHeader else {
      if members == 0, state == .memberStart { try refuseOtherSort(lengthBytes) }
      throw .data(place, "expected a tensor stream's header, found a length of \(length)")
    }
    var text = try bytes(Int(length), allowingEnd: false)
    let header = try text.withBytes { bytes throws(Failure) in
      try SafeTensorsHeader(bytes, place: place)
    }
    guard let format = header.metadata("lir.format") else {
      throw .data(place, "expected a tensor stream, found a safetensors blob without lir.format")
    }
    guard format == "1" else {
      throw .config(place, "the stream has format \(format), this tool knows 1")
    }
    guard header.dataSize <= StreamLimits.maximumData else {
      throw .data(
        place,
        "expected at most \(StreamLimits.maximumData) bytes of data, found "
          + "\(header.dataSize)")
    }
    let data = try bytes(header.dataSize, allowingEnd: false)
    try check(&text, header, data)
    return (header, data)
  }

  /// Refuses what is no stream at all by its name.
  private func refuseOtherSort(_ beginning: [UInt8]) throws(Failure) {
    switch ContentSort(beginning: beginning) {
    case .text?:
      throw .data(
        name, "expected a tensor stream, found text",
        hint: "lir-encode makes vectors of texts, lir-tokenize tokens")
    case let sort? where sort != .binary:
      throw .data(name, "expected a tensor stream, found \(sort.rawValue)")
    default: break
    }
  }

  private func check(
    _ text: inout [UInt8], _ header: SafeTensorsHeader, _ data: [UInt8]
  ) throws(Failure) {
    guard let expected = header.metadata("lir.xxh3"), expected.utf8.count == 16,
      let checksumPlace = StreamLimits.checksumPlace(in: text)
    else { throw .data(place, "damaged header: no checksum") }
    text.replaceSubrange(checksumPlace, with: StreamLimits.checksumPlaceholder.utf8)
    let running = RunningChecksum()
    running.update(text)
    running.update(data)
    let found = Checksum.hex(running.value)
    guard found == expected else {
      throw .data(place, "damaged: expected checksum \(expected), found \(found)")
    }
    pendingChecksum = Array(expected.utf8)
  }

  private var pendingChecksum: [UInt8] = []

  private func bytes(_ count: Int, allowingEnd: Bool) throws(Failure) -> [UInt8] {
    // Memory grows with what really comes, so that a lying header cannot claim it.
    var bytes: [UInt8] = []
    while bytes.count < count {
      let piece = min(count - bytes.count, 1 << 24)
      let chunk: [UInt8]
      do throws(Failure) {
        chunk = try [UInt8](atMost: piece) { memory throws(Failure) in
          try input.readFully(into: memory)
        }
      } catch {
        throw error.status == .data ? .data(place, error.message, hint: error.hint) : error
      }
      if bytes.isEmpty { bytes = chunk } else { bytes += chunk }
      if chunk.count < piece { break }
    }
    if bytes.count == count || (allowingEnd && bytes.isEmpty) { return bytes }
    // The first bytes of a length may be letters by chance; a short text has a line or a column.
    if allowingEnd, members == 0, state == .memberStart, bytes.contains(9) || bytes.contains(10) {
      try refuseOtherSort(bytes)
    }
    throw .data(place, "truncated: the stream ends inside a segment")
  }

  private func dataSegment(
    _ header: SafeTensorsHeader, _ data: [UInt8]
  ) throws(Failure) -> TensorSegment {
    guard let kind = header.metadata("lir.kind").flatMap(StreamKind.init(rawValue:)),
      let role = header.metadata("lir.role").flatMap(Role.init(rawValue:)),
      let first = header.metadata("lir.first").flatMap({ Int($0) }),
      let records = header.metadata("lir.records").flatMap({ Int($0) }),
      (0...StreamLimits.maximumData).contains(records)
    else { throw .data(place, "damaged header: kind, role, first or records missing") }
    guard records <= StreamLimits.recordsPerSegment else {
      throw .data(
        place,
        "expected at most \(StreamLimits.recordsPerSegment) records in a segment, found \(records)")
    }
    guard let schema = StreamSchema(kind: kind, entries: header.entries) else {
      throw .data(place, Self.misfit(kind, header))
    }
    if state == .memberStart {
      let description = StreamDescription(role: role) { header.metadata($0) }
      try begin(schema, description)
    }
    guard first == done.records, let member, role == member.description.role else {
      throw .data(place, "expected record \(done.records), found a segment that starts at \(first)")
    }
    guard schema == member.schema else {
      throw .data(place, "the segment's tensors differ from those before it")
    }
    let segment = try layOut(header, data, first: first, records: records)
    done.records += records
    done.segments += 1
    done.checksums += pendingChecksum
    return segment
  }

  /// What is wrong with tensors that make no schema.
  private static func misfit(_ kind: StreamKind, _ header: SafeTensorsHeader) -> String {
    let found =
      header["embeddings"].map { "\($0.type.rawValue) of shape \($0.shape)" } ?? "no such tensor"
    return "the tensors do not fit a stream of kind \(kind.rawValue): expected embeddings of "
      + (kind == .coil ? "F32" : "F32, F16, BF16 or I8")
      + " and a width of 1 to \(StreamLimits.maximumWidth), found \(found)"
  }

  private func begin(
    _ schema: StreamSchema, _ description: StreamDescription
  ) throws(Failure) {
    try StreamCheck.dimension(schema, description, place)
    if let member {
      if member.schema != schema {
        throw .data(
          place,
          "the members disagree: \(member.schema.kind.rawValue) is followed by "
            + "\(schema.kind.rawValue) of another form")
      }
      if let (what, old, new) = member.description.disagreement(with: description) {
        throw .data(place, "the members disagree: \(what) \(old) is followed by \(what) \(new)")
      }
    }
    member = (schema, description)
    done = FinishedSegments()
    state = .insideMember
  }

  /// Checks that the tensors are those of the schema and that the offsets stay inside them.
  private func layOut(
    _ header: SafeTensorsHeader, _ data: [UInt8], first: Int, records: Int
  ) throws(Failure) -> TensorSegment {
    guard let member else { preconditionFailure("no member") }
    let ids = try entry(header, "ids", .u8, rank: 1)
    let idOffsets = try entry(header, "id_offsets", .i64, rank: 1)
    try checkOffsets(data, idOffsets, records: records, total: ids.elements)
    var items = records
    var offsets: SafeTensorsHeader.Entry?
    if member.schema.isRagged {
      let found = try entry(header, "offsets", .i64, rank: 1)
      guard let ragged = member.schema.columns.first(where: \.isRagged),
        let total = header[ragged.name]?.shape.first
      else { throw .data(place, "damaged header: a tensor is missing") }
      items = total
      try checkOffsets(data, found, records: records, total: items)
      offsets = found
    }
    var places: [Int] = []
    for column in member.schema.columns {
      let found = try entry(header, column.name, column.type, rank: column.width == nil ? 1 : 2)
      guard found.shape.first == (column.isRagged ? items : records) else {
        throw .data(place, "tensor \(column.name) has shape \(found.shape) for \(records) records")
      }
      places.append(found.range.lowerBound)
    }
    let segment = TensorSegment(
      schema: member.schema, first: first, records: records, description: member.description,
      data: data, places: places, idOffsetsPlace: idOffsets.range.lowerBound,
      idsPlace: ids.range.lowerBound, offsetsPlace: offsets?.range.lowerBound)
    for index in 0..<records {
      try StreamCheck.id(segment, index) { "\(name): record \(recordsBefore + first + $0)" }
      if member.schema.kind == .sparse {
        try StreamCheck.terms(segment, index) { "\(name): record \(recordsBefore + first + $0)" }
      }
    }
    return segment
  }

  private func entry(
    _ header: SafeTensorsHeader, _ name: String, _ type: ElementType, rank: Int
  ) throws(Failure) -> SafeTensorsHeader.Entry {
    guard let entry = header[name], entry.type == type, entry.shape.count == rank else {
      throw .data(place, "expected a tensor \(name) of \(type.rawValue) and rank \(rank)")
    }
    return entry
  }

  private func checkOffsets(
    _ data: [UInt8], _ entry: SafeTensorsHeader.Entry, records: Int, total: Int
  ) throws(Failure) {
    guard entry.elements == records + 1 else {
      throw .data(place, "expected \(records + 1) \(entry.name), found \(entry.elements)")
    }
    let ordered = data.withUnsafeBytes { bytes in
      var last = 0
      for i in 0...records {
        let place = entry.range.lowerBound + 8 * i
        let value = Int(
          Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)))
        if value < last || value > total || (i == 0 && value != 0) { return false }
        last = value
      }
      return last == total
    }
    guard ordered else { throw .data(place, "\(entry.name) do not ascend from 0 to \(total)") }
  }

  private func endMember(_ header: SafeTensorsHeader) throws(Failure) {
    guard state == .insideMember else { throw .data(place, "an end segment without a member") }
    let chain = Checksum.hex(Checksum.xxh3(done.checksums))
    guard header.metadata("lir.records") == String(done.records),
      header.metadata("lir.segments") == String(done.segments),
      header.metadata("lir.chain") == chain, header.entries.isEmpty
    else {
      throw .data(
        place,
        "damaged: the end segment does not belong to the \(done.segments) segments and "
          + "\(done.records) records before it")
    }
    recordsBefore += done.records
    done = FinishedSegments()
    members += 1
    state = .memberStart
  }
}
