import Kernels

/// A matrix of intermediate results; its memory goes back to the arena when nobody holds it.
package final class Matrix {
  package let rows: Int
  package let columns: Int
  let buffer: AlignedBuffer
  private let arena: Arena

  init(rows: Int, columns: Int, arena: Arena) {
    self.rows = rows
    self.columns = columns
    self.arena = arena
    buffer = arena.take(rows * columns)
  }

  deinit { arena.give(buffer) }

  /// Valid as long as the matrix.
  package var view: MutableMatrixView { buffer.matrix(rows: rows, columns: columns) }

  /// All elements, row by row; valid as long as the matrix.
  package var elements: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * columns)
  }

  /// Row `index`; valid as long as the matrix.
  package func row(_ index: Int) -> UnsafeBufferPointer<Float> {
    precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
    return UnsafeBufferPointer(start: buffer.pointer + index * columns, count: columns)
  }
}

/// Buffers that are used again and again, so that a batch allocates nothing.
final class Arena {
  private var free: [AlignedBuffer] = []
  private let limit: Int

  /// - Parameter limit: Most buffers that wait to be used again.
  init(limit: Int = 32) { self.limit = limit }

  /// The smallest free buffer that is large enough but not four times too large, else a new one.
  func take(_ count: Int) -> AlignedBuffer {
    var best: Int?
    for (i, buffer) in free.enumerated() where buffer.count >= count && buffer.count / 4 <= count {
      if best.map({ buffer.count < free[$0].count }) ?? true { best = i }
    }
    if let best { return free.swapRemove(best) }
    return AlignedBuffer(count: Self.capacity(count))
  }

  /// Eight sizes between a power of two and the next, so that batches of nearly the same size share
  /// buffers.
  private static func capacity(_ count: Int) -> Int {
    var power = 1024
    while power < count { power *= 2 }
    let step = power / 16
    return (count + step - 1) / step * step
  }

  func give(_ buffer: AlignedBuffer) {
    if free.count == limit { free.removeFirst() }
    free.append(buffer)
  }
}

extension Array {
  fileprivate mutating func swapRemove(_ index: Int) -> Element {
    swapAt(index, count - 1)
    return removeLast()
  }
}
