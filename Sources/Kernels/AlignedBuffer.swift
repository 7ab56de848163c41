/// Floats on a 64-byte boundary.
///
/// Not `Sendable`: an owner that hands one to another thread says why that is safe.
package final class AlignedBuffer {
  /// How many floats.
  package let count: Int
  /// The first of them; valid while the buffer lives.
  package let pointer: UnsafeMutablePointer<Float>
  /// Keeps memory that is not this buffer's own.
  private let owner: AnyObject?

  /// What somebody else keeps in memory; nobody may write it.
  ///
  /// - Parameters:
  ///   - values: The first of the floats, on a 64-byte boundary.
  ///   - count: How many.
  ///   - owner: Lives as long as they do.
  package init(mapping values: UnsafePointer<Float>, count: Int, owner: AnyObject) {
    precondition(Int(bitPattern: values) % 64 == 0, "floats off the boundary")
    self.count = count
    self.owner = owner
    pointer = UnsafeMutablePointer(mutating: values)
  }

  /// Room for `count` floats, uninitialised.
  package init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    owner = nil
    // A cache line more than asked for, so that no other allocation shares the last one.
    let bytes = (count * MemoryLayout<Float>.stride + 127) / 64 * 64
    pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
  }

  deinit { if owner == nil { UnsafeMutableRawPointer(pointer).deallocate() } }

  /// The first rows · columns floats as a matrix; they must be there.
  package func matrix(rows: Int, columns: Int) -> MutableMatrixView {
    precondition(rows * columns <= count, "\(rows) × \(columns) in \(count) floats")
    return MutableMatrixView(pointer, rows: rows, columns: columns)
  }
}
