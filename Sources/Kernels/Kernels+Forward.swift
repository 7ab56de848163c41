internal import CKernels

/// Coded sparse documents in memory that somebody keeps: see `ck_forward`.
///
/// Unchecked: nobody writes to what the pointers lead to.
package struct ForwardRecords: @unchecked Sendable {
  fileprivate let forward: ck_forward
  /// How many documents there are.
  package let count: Int
  /// Numbers in a query's table.
  package let tableSize: Int

  /// Nil for sizes that do not fit each other.
  ///
  /// - Parameters:
  ///   - offsets: Where each document's entries start, 64 bits each, and where the last ones end.
  ///   - records: A scale, the terms' numbers and their codes, document by document.
  ///   - count: How many documents there are.
  ///   - terms: Size of the vocabulary: numbers of terms above 65536 are wide.
  package init?(
    offsets: UnsafeRawBufferPointer, records: UnsafeRawBufferPointer, count: Int, terms: Int
  ) {
    let isWide = Self.isWide(terms)
    let size = records.count - 4 * count
    guard offsets.count == 8 * (count + 1), size >= 0, size % Self.entrySize(terms) == 0,
      let first = offsets.baseAddress
    else { return nil }
    self.count = count
    tableSize = isWide ? 1 << (Int.bitWidth - (terms - 1).leadingZeroBitCount) : 1 << 16
    forward = ck_forward(
      offsets: first.assumingMemoryBound(to: UInt8.self),
      records: (records.baseAddress ?? first).assumingMemoryBound(to: UInt8.self),
      entries: size / Self.entrySize(terms), wide: isWide ? 1 : 0, mask: UInt32(tableSize - 1))
  }

  /// Whether terms have numbers of 32 bits, in a vocabulary of a size.
  package static func isWide(_ terms: Int) -> Bool { terms > 1 << 16 }

  /// Bytes of an entry.
  package static func entrySize(_ terms: Int) -> Int { isWide(terms) ? 5 : 3 }
}

extension Kernels {
  /// Products of a query with some documents, in units of codes: scale times sum is a product.
  ///
  /// - Parameters:
  ///   - records: All documents.
  ///   - documents: Some of them.
  ///   - table: The query's weight at the number of each term, an integer of sixteen bits.
  ///   - sums: Gets a sum for each.
  ///   - scales: Gets the scale of each.
  package func forwardSums(
    _ records: ForwardRecords, of documents: UnsafeBufferPointer<Int32>,
    _ table: UnsafePointer<UInt32>, _ sums: UnsafeMutablePointer<Int32>,
    _ scales: UnsafeMutablePointer<Float>
  ) {
    guard let first = documents.baseAddress else { return }
    for document in documents {
      precondition(document >= 0 && Int(document) < records.count, "document \(document)")
    }
    withUnsafePointer(to: records.forward) { forward in
      self.table.pointee.forward_sums(forward, documents.count, first, table, sums, scales)
    }
  }
}
