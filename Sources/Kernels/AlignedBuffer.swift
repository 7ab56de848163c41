/// Floats on a 64-byte boundary, uninitialised.
///
/// Not `Sendable`: an owner that hands one to another thread says why that is safe.
package final class AlignedBuffer {
  /// How many floats.
  package let count: Int
  /// The first of them; valid while the buffer lives.
  package let pointer: UnsafeMutablePointer<Float>

  /// Room for `count` floats.
  package init(count: Int) {
    precondition(count >= 0, "a buffer of \(count) floats")
    self.count = count
    // A cache line more than asked for, so that no other allocation shares the last one.
    let bytes = (count * MemoryLayout<Float>.stride + 127) / 64 * 64
    pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }

  /// The first rows · columns floats as a matrix; they must be there.
  package func matrix(rows: Int, columns: Int) -> MutableMatrixView {
    precondition(rows * columns <= count, "\(rows) × \(columns) in \(count) floats")
    return MutableMatrixView(pointer, rows: rows, columns: columns)
  }
}
