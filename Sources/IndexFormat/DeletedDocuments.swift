import Failures

/// Which documents of a segment are deleted: a bit each, the first document's the lowest of its byte.
package struct DeletedDocuments: Sendable {
  package static let file = IndexFile(
    "deleted", tensor: "deleted", [.u8], [.count("bytes of a bit a document")],
    presence: .deletions, "a bit for each document, set where it is deleted")

  private enum Form: Sendable {
    case mapped(MappedColumn<UInt8>)
    case bytes([UInt8])
  }

  private let form: Form
  /// Documents of the segment.
  package let documents: Int
  /// How many of them are deleted.
  package let count: Int

  /// Bytes that so many bits take.
  static func size(_ documents: Int) -> Int { (documents + 7) / 8 }

  /// - Throws: 65 where the file is not one of so many documents.
  init(
    _ column: MappedColumn<UInt8>, documents: Int, count: Int, _ place: String
  ) throws(Failure) {
    guard column.count == Self.size(documents) else {
      throw .data(place, "damaged: a list of deleted documents of \(column.count) bytes")
    }
    form = .mapped(column)
    self.documents = documents
    self.count = count
  }

  /// Those that were deleted before, and some more.
  init(_ earlier: DeletedDocuments?, and ordinals: some Sequence<Int>, documents: Int) {
    var bits = earlier?.bytes ?? [UInt8](repeating: 0, count: Self.size(documents))
    for ordinal in ordinals {
      precondition(ordinal >= 0 && ordinal < documents, "document \(ordinal) of \(documents)")
      bits[ordinal >> 3] |= 1 << UInt8(ordinal & 7)
    }
    form = .bytes(bits)
    self.documents = documents
    count = bits.reduce(0) { $0 + $1.nonzeroBitCount }
  }

  package func contains(_ ordinal: Int) -> Bool {
    let byte =
      switch form {
      case .mapped(let column): column[ordinal >> 3]
      case .bytes(let bytes): bytes[ordinal >> 3]
      }
    return byte >> UInt8(ordinal & 7) & 1 == 1
  }

  /// All bits, as the file has them.
  package var bytes: [UInt8] {
    switch form {
    case .mapped(let column): Array(column.bytes(0..<column.count))
    case .bytes(let bytes): bytes
    }
  }

  /// Reads all bits.
  ///
  /// - Throws: 65 where they are not as many as the manifest says, or of no document.
  func check(_ place: String) throws(Failure) {
    let bytes = bytes
    let isPadded = documents % 8 == 0 || bytes[documents / 8] >> UInt8(documents % 8) == 0
    guard isPadded, bytes.reduce(0, { $0 + $1.nonzeroBitCount }) == count else {
      throw .data(place, "damaged: the list of deleted documents")
    }
  }
}
