import Kernels
import Synchronization

/// Numbers of half precision where a file has them, which become single precision as they are asked for.
///
/// Unchecked because of the pointer and `wide`: nobody writes what the pointer points to, and `wide` is
/// written once, under the lock.
final class HalfTable: @unchecked Sendable {
  private let base: UnsafePointer<UInt16>
  private let format: HalfFormat
  private let count: Int
  private let owner: AnyObject
  private let lock = Mutex(())
  private var wide: AlignedBuffer?

  init(_ base: UnsafePointer<UInt16>, count: Int, _ format: HalfFormat, owner: AnyObject) {
    self.base = base
    self.count = count
    self.format = format
    self.owner = owner
  }

  /// Numbers from `start` on, as many as there is room for.
  func copy(from start: Int, into target: UnsafeMutableBufferPointer<Float>, _ kernels: Kernels) {
    precondition(start >= 0 && start + target.count <= count, "\(target.count) from \(start)")
    kernels.widen(
      UnsafeBufferPointer(start: base + start, count: target.count), format, into: target)
  }

  /// All numbers; kept from the first time on.
  var values: UnsafePointer<Float> {
    lock.withLock { _ in
      if wide == nil {
        let buffer = AlignedBuffer(count: count)
        copy(
          from: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: count), Kernels())
        wide = buffer
      }
    }
    guard let wide else { preconditionFailure("a table that was not made wide") }
    return UnsafePointer(wide.pointer)
  }
}
