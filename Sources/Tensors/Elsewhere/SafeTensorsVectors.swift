import Failures
import JSON
import Streams

/// Rows of a tensor in a mapped `.safetensors` file: one a record, or as many as `offsets` say.
final class SafeTensorsVectors: VectorRecordSource {
  let schema: StreamSchema
  private let file: SafeTensorsFile
  private let entry: SafeTensorsHeader.Entry
  private let elements: FloatElements
  private let offsets: UnsafeRawBufferPointer?
  private let ids: StoredIDs
  private let rowSize: Int
  private let records: Int
  private var record = 0
  private var discarded = 0

  /// Bytes that are kept in memory behind those that were read.
  private static let kept = 64 << 20

  /// - Parameters:
  ///   - path: The file.
  ///   - tensor: The tensor that is meant; nil for the only matrix of floating point numbers.
  ///   - idFile: A file of ids; nil for those in the file itself.
  /// - Throws: 65 and 66 for a file that is damaged or not there; 64 and 78 where it does not say
  ///   which vectors and ids are meant.
  init(_ path: String, tensor: String?, _ idFile: String?) throws(Failure) {
    file = try SafeTensorsFile(path)
    entry = try Self.find(tensor, file)
    elements = FloatElements(type: entry.type)
    guard (1...StreamLimits.maximumWidth).contains(entry.shape[1]) else {
      throw .data(
        path,
        "expected vectors of 1 to \(StreamLimits.maximumWidth) numbers, found shape \(entry.shape)")
    }
    rowSize = entry.shape[1] * entry.type.size
    var records = entry.shape[0]
    if let found = file.entry("offsets") {
      guard found.type == .i64, found.shape.count == 1, found.shape[0] >= 1 else {
        throw .data(path, "expected offsets of I64 and one dimension")
      }
      records = found.shape[0] - 1
      offsets = file.bytes(found)
      schema = .multivector(elements.stored, dimension: entry.shape[1], withTokens: false)
    } else {
      offsets = nil
      schema = .dense(elements.stored, dimension: entry.shape[1])
    }
    self.records = records
    ids = try StoredIDs(file, records, idFile)
  }

  var isRounded: Bool { entry.type == .f64 }

  var extent: InputExtent {
    let total = entry.range.count
    return InputExtent(read: records == 0 ? total : total / records * record, total: total)
  }

  private static func find(
    _ name: String?, _ file: SafeTensorsFile
  ) throws(Failure) -> SafeTensorsHeader.Entry {
    let matrices = file.header.entries.filter {
      $0.shape.count == 2 && FloatElements.types.contains($0.type)
    }
    func list(_ entries: [SafeTensorsHeader.Entry]) -> String {
      entries.isEmpty ? "none" : entries.map(\.name).joined(separator: ", ")
    }
    if let name {
      if let entry = matrices.first(where: { $0.name == name }) { return entry }
      guard let other = file.entry(name) else {
        throw .config(
          file.path, "no tensor is called \(name)", hint: "there are \(list(file.header.entries))")
      }
      throw .config(
        file.path, "tensor \(name) is \(other.type.rawValue) of shape \(other.shape)",
        hint: "vectors are the rows of a matrix of F32, F16, BF16 or F64")
    }
    guard matrices.count == 1 else {
      throw .config(
        file.path,
        "expected one matrix of F32, F16, BF16 or F64, found \(list(matrices))",
        hint: matrices.isEmpty ? nil : "--tensor NAME says which")
    }
    return matrices[0]
  }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    guard record < records else {
      try ids.finish()
      return false
    }
    let rows = try rows(of: record)
    let bytes = file.bytes(entry)
    let part = UnsafeRawBufferPointer(
      rebasing: bytes[rows.lowerBound * rowSize..<rows.upperBound * rowSize])
    let (record, path) = (self.record, file.path)
    try segment.append(id: try ids.id(record), items: rows.count) { target throws(Failure) in
      try elements.append(part, to: &target) { "\(path): record \(record)" }
    }
    self.record += 1
    if rows.upperBound * rowSize - discarded > Self.kept {
      file.discard(entry)
      discarded = rows.upperBound * rowSize
    }
    return true
  }

  private func rows(of record: Int) throws(Failure) -> Range<Int> {
    guard let offsets else { return record..<record + 1 }
    func offset(_ index: Int) -> Int {
      Int(Int64(littleEndian: offsets.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)))
    }
    let (start, end) = (offset(record), offset(record + 1))
    guard start == (record == 0 ? 0 : start), start >= 0, start <= end, end <= entry.shape[0],
      record + 1 < records || end == entry.shape[0]
    else {
      throw .data(
        "\(file.path): record \(record)", "offsets do not ascend from 0 to \(entry.shape[0])")
    }
    return start..<end
  }
}

/// Ids of the records of a `.safetensors` file: of a file beside it, as streams have them (`ids` and
/// `id_offsets`), numbers (`ids` of I64 or I32), or a JSON list in the metadata.
final class StoredIDs {
  private enum Form {
    case lines(RecordIDs)
    case bytes(UnsafeRawBufferPointer, offsets: UnsafeRawBufferPointer)
    case numbers(UnsafeRawBufferPointer, size: Int)
    case list([[UInt8]])
  }

  private let form: Form
  private let file: SafeTensorsFile
  private let count: Int

  /// - Throws: 64 where there are none, 65 where there are more or fewer than records.
  init(_ file: SafeTensorsFile, _ count: Int, _ idFile: String?) throws(Failure) {
    self.file = file
    self.count = count
    if let idFile {
      form = .lines(try RecordIDs(idFile))
      return
    }
    if let ids = file.entry("ids"), ids.shape.count == 1 {
      form = try Self.tensor(ids, file, count)
      return
    }
    if let text = file.header.metadata("ids") {
      guard let list = (try? JSONParser.parse(text))?.array else {
        throw .data(file.path, "expected a JSON list under ids of the metadata")
      }
      form = .list(
        try list.map { id throws(Failure) in
          if let text = id.string { return Array(text.utf8) }
          guard let number = id.integer else {
            throw .data(file.path, "expected strings or integers under ids, found \(id.kindName)")
          }
          return Array(String(number).utf8)
        })
      try Self.check(list.count, count, file)
      return
    }
    let beside = "\(file.path).ids"
    guard WholeFile.exists(beside) else { throw VectorInputs.missingIDs(file.path) }
    form = .lines(try RecordIDs(beside))
  }

  private static func tensor(
    _ ids: SafeTensorsHeader.Entry, _ file: SafeTensorsFile, _ count: Int
  ) throws(Failure) -> Form {
    if ids.type == .u8, let offsets = file.entry("id_offsets"), offsets.type == .i64 {
      try check(offsets.shape.reduce(1, *) - 1, count, file)
      return .bytes(file.bytes(ids), offsets: file.bytes(offsets))
    }
    guard ids.type == .i64 || ids.type == .i32 else {
      throw .config(
        file.path,
        "expected ids of U8 with id_offsets, of I64 or of I32, found \(ids.type.rawValue)")
    }
    try check(ids.shape[0], count, file)
    return .numbers(file.bytes(ids), size: ids.type.size)
  }

  private static func check(
    _ found: Int, _ expected: Int, _ file: SafeTensorsFile
  ) throws(Failure) {
    guard found != expected else { return }
    throw .data(file.path, "expected \(expected) ids, as there are vectors, found \(found)")
  }

  func id(_ record: Int) throws(Failure) -> [UInt8] {
    switch form {
    case .lines(let lines): return try lines.take(of: count)
    case .list(let ids): return ids[record]
    case .numbers(let bytes, let size):
      let number =
        size == 8
        ? Int(bytes.loadUnaligned(fromByteOffset: 8 * record, as: Int64.self))
        : Int(bytes.loadUnaligned(fromByteOffset: 4 * record, as: Int32.self))
      return Array(String(number).utf8)
    case .bytes(let bytes, let offsets):
      let start = Int(offsets.loadUnaligned(fromByteOffset: 8 * record, as: Int64.self))
      let end = Int(offsets.loadUnaligned(fromByteOffset: 8 * record + 8, as: Int64.self))
      guard start >= 0, start <= end, end <= bytes.count else {
        throw .data("\(file.path): record \(record)", "id_offsets leave the ids")
      }
      return Array(bytes[start..<end])
    }
  }

  /// Checks that no id is left.
  func finish() throws(Failure) {
    if case .lines(let lines) = form { try lines.finish(after: count) }
  }
}
