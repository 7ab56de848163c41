/// The external ids of the documents of an index: of one segment, or of several, one behind the other.
package protocol DocumentIDs: Sendable {
  /// Number of documents, deleted ones among them.
  var count: Int { get }

  /// Number of documents that are not deleted.
  var liveCount: Int { get }

  /// Calls `body` with the id of a document.
  func withID<R>(_ ordinal: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R

  /// The ordinal of a document; nil if the index does not hold it, or no longer.
  func ordinal(_ id: [UInt8]) -> Int?

  /// The documents whose ids begin with some bytes, but for deleted ones.
  func ordinals(startingWith prefix: [UInt8]) -> [Int]
}

extension DocumentIDs {
  package func id(_ ordinal: Int) -> [UInt8] { withID(ordinal) { Array($0) } }
}

/// The ids of several segments: the first document of one has the number behind the last one of the
/// segment before.
package struct SegmentedDocuments: DocumentIDs {
  private let tables: [any DocumentIDs]
  /// The number of each table's first document.
  package let firsts: [Int]
  package let count: Int
  package let liveCount: Int

  package init(_ tables: [any DocumentIDs]) {
    self.tables = tables
    var firsts: [Int] = []
    var count = 0
    for table in tables {
      firsts.append(count)
      count += table.count
    }
    self.firsts = firsts
    self.count = count
    liveCount = tables.reduce(0) { $0 + $1.liveCount }
  }

  /// The table that has a document, and the document's number there.
  package func place(of ordinal: Int) -> (table: Int, ordinal: Int) {
    precondition(ordinal >= 0 && ordinal < count, "document \(ordinal) of \(count)")
    // The last one that begins at the document or before it is not empty.
    var (low, high) = (0, firsts.count)
    while low < high {
      let middle = (low + high) / 2
      if firsts[middle] <= ordinal { low = middle + 1 } else { high = middle }
    }
    return (low - 1, ordinal - firsts[low - 1])
  }

  package func withID<R>(_ ordinal: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let place = place(of: ordinal)
    return tables[place.table].withID(place.ordinal, body)
  }

  package func ordinal(_ id: [UInt8]) -> Int? {
    for (table, first) in zip(tables, firsts) {
      if let ordinal = table.ordinal(id) { return first + ordinal }
    }
    return nil
  }

  package func ordinals(startingWith prefix: [UInt8]) -> [Int] {
    zip(tables, firsts).flatMap { table, first in
      table.ordinals(startingWith: prefix).map { first + $0 }
    }
  }
}
