import Failures
import Records
import Synchronization
import Tensors

/// The external ids of a segment's documents: by ordinal, and in bytewise order.
///
/// A deleted document keeps its ordinal and its id, and is not found by it.
package final class DocumentTable: DocumentIDs {
  package static let ids = IndexFile(
    "documents", tensor: "ids", [.u8], [.count("bytes of ids")],
    "the documents' ids, one behind the other")
  package static let offsets = IndexFile(
    "documents.offsets", tensor: "id_offsets", [.i64], [.documents(plus: 1)],
    "where each id starts, and where the last one ends")
  package static let ranks = IndexFile(
    "documents.ranks", tensor: "ranks", [.i32], [.documents()],
    "place of each document's id among all in bytewise order")
  package static let order = IndexFile(
    "documents.order", tensor: "order", [.i32], [.documents()], presence: .format(2),
    "documents in bytewise order of their ids")

  package static let vocabulary = IndexFile(
    "vocabulary", tensor: "texts", [.u8], [.count("bytes of terms")], presence: .ownTerms,
    "the texts of sparse vectors' terms by number, each with a zero behind it")

  /// Files that indexes of every type have.
  package static let files = [ids, offsets, ranks, order, vocabulary, DeletedDocuments.file]

  package let count: Int
  private let deleted: DeletedDocuments?
  private let path: String
  private let bytes: MappedColumn<UInt8>
  private let offsets: MappedColumn<Int64>
  private let ranks: MappedColumn<Int32>
  /// Nil of an index of format 1.
  private let order: MappedColumn<Int32>?
  /// The order of an index of format 1, made when it is first asked for; on whatever thread.
  private let made = Mutex<[Int32]?>(nil)

  /// - Throws: 65 where the tensors do not fit each other.
  package init(_ segment: IndexSegment) throws(Failure) {
    count = segment.documents
    deleted = segment.deleted
    path = segment.folder
    bytes = try segment.column(Self.ids, as: UInt8.self)
    offsets = try segment.column(Self.offsets, as: Int64.self)
    ranks = try segment.column(Self.ranks, as: Int32.self)
    order = segment.has(Self.order) ? try segment.column(Self.order, as: Int32.self) : nil
    guard offsets[0] == 0, Int(offsets[count]) == bytes.count else {
      throw .data(path, "damaged: document ids do not fill their file")
    }
  }

  /// Calls `body` with the id of a document.
  package func withID<R>(_ ordinal: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    precondition(ordinal >= 0 && ordinal < count, "document \(ordinal) of \(count)")
    let start = max(0, min(Int(offsets[ordinal]), bytes.count))
    let end = max(start, min(Int(offsets[ordinal + 1]), bytes.count))
    return body(bytes.bytes(start..<end))
  }

  /// Whether any document is deleted.
  package var hasDeleted: Bool { deleted != nil }

  package var liveCount: Int { count - (deleted?.count ?? 0) }

  /// Whether a document is not deleted.
  package func isLive(_ ordinal: Int) -> Bool { !(deleted?.contains(ordinal) ?? false) }

  /// Place of a document's id among all ids in bytewise order.
  package func rank(_ ordinal: Int) -> Int32 { ranks[ordinal] }

  /// The ordinal of a document; nil if the segment does not hold it, or no longer.
  package func ordinal(_ id: [UInt8]) -> Int? {
    withOrder { order in
      let (place, isThere) = find(id, order)
      guard isThere, isLive(order(place)) else { return nil }
      return order(place)
    }
  }

  /// The documents whose ids begin with some bytes, in bytewise order of the ids, but for deleted ones.
  package func ordinals(startingWith prefix: [UInt8]) -> [Int] {
    withOrder { order in
      var found: [Int] = []
      for place in find(prefix, order).place..<count {
        let ordinal = order(place)
        guard ordinal >= 0, ordinal < count, withID(ordinal, { $0.starts(with: prefix) }) else {
          break
        }
        if isLive(ordinal) { found.append(ordinal) }
      }
      return found
    }
  }

  /// Calls `body` with what gives documents by the place of their ids in bytewise order.
  private func withOrder<R>(_ body: ((Int) -> Int) -> R) -> R {
    if let order { return body { Int(order[$0]) } }
    let made = made.withLock { made in
      if made == nil { made = invertedRanks() }
      return made ?? []
    }
    return body { Int(made[$0]) }
  }

  /// Place of the first id that is not in front of another one among those that `ordinal` gives by
  /// their place in bytewise order, and whether it is that one.
  private func find(_ id: [UInt8], _ ordinal: (Int) -> Int) -> (place: Int, isThere: Bool) {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let found = ordinal(middle)
      // Damaged files lead to no document; what is read there is not even an id.
      guard found >= 0, found < count else { return (count, false) }
      let comparison = withID(found) { other in
        id.withUnsafeBytes { ByteOrder.compare(other, $0) }
      }
      if comparison == 0 { return (middle, true) }
      if comparison < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, false)
  }

  /// Compares offsets, ranks and order with each other.
  ///
  /// - Throws: 65 where they are not those of ids.
  package func check() throws(Failure) {
    for ordinal in 0..<count {
      let rank = Int(ranks[ordinal])
      guard offsets[ordinal] <= offsets[ordinal + 1], rank >= 0, rank < count,
        order.map({ Int($0[rank]) == ordinal }) ?? true
      else { throw .data(path, "damaged: the id of document \(ordinal) has no place") }
    }
  }

  private func invertedRanks() -> [Int32] {
    var order = [Int32](repeating: 0, count: count)
    for ordinal in 0..<count {
      let rank = Int(rank(ordinal))
      if rank >= 0, rank < count { order[rank] = Int32(ordinal) }
    }
    return order
  }
}
