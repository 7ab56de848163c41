import Failures
import Streams

/// Rows of single-precision numbers in a mapped file that does not name them.
protocol NumberRows {
  var file: MappedFile { get }
  var count: Int { get }
  var dimension: Int { get }

  /// How they are compared, where the file says it.
  var similarity: String? { get }

  /// Whether the file has a number of its own for each row.
  var hasNumbers: Bool { get }

  /// The number of a row, where the file has them.
  func number(_ row: Int) -> Int64

  /// How many rows each document has, where the file says it.
  var lengths: [Int]? { get }

  /// The numbers of a row.
  ///
  /// - Throws: 65 for a row that is damaged.
  func row(_ row: Int) throws(Failure) -> [Float]
}

extension NumberRows {
  var lengths: [Int]? { nil }
}

/// Records of such rows: one a record, or as many as a file of lengths beside them says.
final class RowVectors: VectorRecordSource {
  let schema: StreamSchema
  private let rows: any NumberRows
  private let ids: RecordIDs?
  /// Rows of each record; nil for one.
  private let lengths: [Int]?
  private var record = 0
  private var row = 0
  private var sinceDiscarded = 0

  /// Bytes of rows that are kept in memory behind those that were read.
  private static let kept = 64 << 20

  /// - Parameters:
  ///   - rows: The rows.
  ///   - idFile: Ids of the records, one a line; nil for those beside the file, where it has no
  ///     numbers of its own.
  /// - Throws: 64 where ids are missing, or given of rows that have numbers; 65 for files beside
  ///   that are damaged, or do not fit.
  init(_ rows: any NumberRows, _ idFile: String?) throws(Failure) {
    self.rows = rows
    let path = rows.file.path
    let lengths =
      if let own = rows.lengths { own } else { try Self.lengthsBeside(path, rows.count) }
    self.lengths = lengths
    schema =
      lengths == nil
      ? .dense(.f32, dimension: rows.dimension)
      : .multivector(.f32, dimension: rows.dimension, withTokens: false)
    guard !rows.hasNumbers else {
      guard idFile == nil else {
        throw .usage("--ids: \(path) has the ids of its vectors, as an IDMap")
      }
      guard lengths == nil else {
        throw .config(path, "vectors of documents that have several cannot have numbers, too")
      }
      ids = nil
      return
    }
    guard let found = idFile ?? Self.idsBeside(path) else {
      throw .usage(
        "\(path): the ids of its vectors are missing",
        hint: "--ids FILE, an id a line; without, \(path).ids, or doc_ids.txt or docid beside it")
    }
    ids = try RecordIDs(found)
  }

  private static func beside(_ path: String, _ name: String) -> String {
    (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + name
  }

  /// The file of ids that is written beside an index by `lir-index export`, Lightning IR
  /// (`retrieve/base/indexer.py`) or Pyserini (`pyserini/encode/_base.py`).
  private static func idsBeside(_ path: String) -> String? {
    ["\(path).ids", beside(path, "doc_ids.txt"), beside(path, "docid")].first(
      where: WholeFile.exists)
  }

  /// How many rows each document has, as Lightning IR writes it; nil where all have one.
  private static func lengthsBeside(_ path: String, _ rows: Int) throws(Failure) -> [Int]? {
    let name = beside(path, "doc_lengths.pt")
    guard WholeFile.exists(name), name != path else { return nil }
    let file = try TorchFile(name)
    guard let entry = file.entry(""), entry.type == .i32, entry.shape.count == 1 else {
      throw .data(name, "expected one tensor of I32 and one dimension")
    }
    let bytes = file.bytes(entry)
    var lengths: [Int] = []
    var sum = 0
    for place in 0..<entry.shape[0] {
      let length = Int(bytes.loadUnaligned(fromByteOffset: 4 * place, as: Int32.self))
      guard length >= 0 else { throw .data(name, "document \(place) has \(length) vectors") }
      sum += length
      lengths.append(length)
    }
    guard sum == rows else {
      throw .data(name, "expected lengths of \(rows) vectors, found \(sum)")
    }
    return lengths.allSatisfy { $0 == 1 } ? nil : lengths
  }

  private var records: Int { lengths?.count ?? rows.count }

  var extent: InputExtent {
    let size = rows.file.bytes.count
    return InputExtent(read: rows.count == 0 ? size : size / rows.count * row, total: size)
  }

  func appendNext(to segment: inout SegmentBuilder) throws(Failure) -> Bool {
    guard record < records else {
      try ids?.finish(after: records)
      return false
    }
    let items = lengths?[record] ?? 1
    var numbers: [Float] = []
    for place in row..<row + items { numbers += try rows.row(place) }
    guard numbers.allSatisfy(\.isFinite) else {
      throw .data("\(rows.file.path): record \(record)", "expected finite values")
    }
    let id = try ids?.take(of: records) ?? Array(String(rows.number(row)).utf8)
    try segment.append(id: id, items: items) { bytes in
      numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    record += 1
    row += items
    sinceDiscarded += 4 * numbers.count
    if sinceDiscarded > Self.kept {
      rows.file.discard(rows.file.bytes)
      sinceDiscarded = 0
    }
    return true
  }
}
