/// How far the reading of inputs is, in bytes as they lie on the disk.
package struct InputExtent: Sendable, Equatable {
  package var read: Int
  /// Bytes in all; nil where an input is a pipe.
  package var total: Int?

  package init(read: Int, total: Int?) {
    self.read = read
    self.total = total
  }

  /// The share that was read, from 0 to 1; nil where that cannot be told.
  package var share: Double? {
    guard let total, total > 0 else { return nil }
    return min(1, Double(read) / Double(total))
  }
}
