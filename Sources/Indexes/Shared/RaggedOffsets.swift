import Failures
import IndexFormat

/// Where the rows of each document begin in a file that holds those of all.
struct RaggedOffsets: Sendable {
  private let offsets: MappedColumn<Int64>
  private let file: String
  /// Rows of all documents.
  let rows: Int

  /// - Parameters:
  ///   - segment: What is read.
  ///   - declared: The file of offsets: one for each document, and where the last one ends.
  ///   - rows: Rows of the other file.
  /// - Throws: 65 where the file does not fit the manifest, or all rows are not those of documents.
  init(_ segment: IndexSegment, _ declared: IndexFile, rows: Int) throws(Failure) {
    offsets = try segment.column(declared, as: Int64.self)
    file = "\(segment.folder): \(declared.name)"
    self.rows = rows
    guard offsets[0] == 0, Int(offsets[offsets.count - 1]) == rows else {
      throw .data(file, "damaged: expected offsets from 0 to \(rows)")
    }
  }

  /// The rows of a document.
  ///
  /// - Throws: 65 where they lie outside of the file.
  func range(_ ordinal: Int) throws(Failure) -> Range<Int> {
    let (start, end) = (Int(offsets[ordinal]), Int(offsets[ordinal + 1]))
    guard start >= 0, start <= end, end <= rows else {
      throw .data(file, "damaged: document \(ordinal) has rows from \(start) to \(end) of \(rows)")
    }
    return start..<end
  }

  /// The document that a row belongs to.
  ///
  /// - Throws: 65 for a row of none.
  func owner(of row: Int) throws(Failure) -> Int {
    // The last document that begins at the row or before it: those without rows are in front of it.
    var (low, high) = (0, offsets.count - 2)
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(offsets[middle]) <= row { low = middle } else { high = middle - 1 }
    }
    guard low >= 0, try range(low).contains(row) else {
      throw .data(file, "damaged: vector \(row) belongs to no document")
    }
    return low
  }

  /// Reads all offsets.
  ///
  /// - Throws: 65 where they do not ascend.
  func check() throws(Failure) {
    for ordinal in 0..<offsets.count - 1 { _ = try range(ordinal) }
  }
}
