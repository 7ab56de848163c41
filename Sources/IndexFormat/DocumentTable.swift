import Failures
import Tensors

/// The external ids of an index's documents: by ordinal, and their places in bytewise order.
///
/// Unchecked: the mapped bytes are not written, and `file` keeps them.
package final class DocumentTable: @unchecked Sendable {
  package static let idsFile = "documents.safetensors"
  package static let offsetsFile = "documents.offsets.safetensors"
  package static let ranksFile = "documents.ranks.safetensors"

  package let count: Int
  private let files: [SafeTensorsFile]
  private let bytes: UnsafeRawBufferPointer
  private let offsets: UnsafeRawBufferPointer
  private let ranks: UnsafeRawBufferPointer

  /// - Throws: 65 where the tensors do not fit each other.
  package init(_ folder: IndexFolder) throws(Failure) {
    count = folder.manifest.documents
    let ids = try folder.tensors(Self.idsFile)
    let offsetFile = try folder.tensors(Self.offsetsFile)
    let rankFile = try folder.tensors(Self.ranksFile)
    files = [ids, offsetFile, rankFile]
    bytes = try Self.tensor(ids, "ids", .u8, nil)
    offsets = try Self.tensor(offsetFile, "id_offsets", .i64, count + 1)
    ranks = try Self.tensor(rankFile, "ranks", .i32, count)
    for i in [0, count] where offset(i) < 0 || offset(i) > bytes.count {
      throw .data(folder.path, "damaged: document ids lie outside of their file")
    }
    guard offset(0) == 0, offset(count) == bytes.count else {
      throw .data(folder.path, "damaged: document ids do not fill their file")
    }
  }

  private static func tensor(
    _ file: SafeTensorsFile, _ name: String, _ type: ElementType, _ count: Int?
  ) throws(Failure) -> UnsafeRawBufferPointer {
    guard let entry = file.entry(name), entry.type == type, entry.shape.count == 1,
      count == nil || entry.shape[0] == count
    else { throw .data(file.path, "expected a tensor \(name) of \(type.rawValue)") }
    return file.bytes(entry)
  }

  private func offset(_ index: Int) -> Int {
    Int(offsets.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self))
  }

  /// Calls `body` with the id of a document.
  package func withID<R>(_ ordinal: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    precondition(ordinal >= 0 && ordinal < count, "document \(ordinal) of \(count)")
    let start = max(0, min(offset(ordinal), bytes.count))
    let end = max(start, min(offset(ordinal + 1), bytes.count))
    return body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
  }

  package func id(_ ordinal: Int) -> [UInt8] { withID(ordinal) { Array($0) } }

  /// Place of a document's id among all ids in bytewise order.
  package func rank(_ ordinal: Int) -> Int32 {
    ranks.loadUnaligned(fromByteOffset: 4 * ordinal, as: Int32.self)
  }

  /// The ordinal of an id, by binary search over an order that is made on the first use.
  package lazy var ordinalsByRank: [Int32] = {
    var order = [Int32](repeating: 0, count: count)
    for ordinal in 0..<count {
      let rank = Int(rank(ordinal))
      if rank >= 0, rank < count { order[rank] = Int32(ordinal) }
    }
    return order
  }()
}
