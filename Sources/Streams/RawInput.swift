import Failures

/// The bytes of a descriptor behind a window that decoders can look into.
final class RawInput {
  let name: String
  private let descriptor: OwnedDescriptor
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private(set) var atEnd = false
  /// Bytes of the file that were consumed.
  private(set) var offset = 0

  init(_ descriptor: consuming OwnedDescriptor, name: String, capacity: Int = 1 << 18) {
    self.name = name
    self.descriptor = descriptor
    buffer = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// What is in the window.
  var window: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer[start..<end])
  }

  func consume(_ count: Int) {
    precondition(start + count <= end, "consume \(count) of \(end - start) bytes")
    start += count
    offset += count
  }

  /// Reads until the window holds `count` bytes or the input ends; says whether it does.
  func ensure(_ count: Int) throws(Failure) -> Bool {
    precondition(count <= buffer.count, "window of \(buffer.count) bytes asked for \(count)")
    while end - start < count, !atEnd {
      if start > 0 {
        buffer.copyMemory(from: window)
        end -= start
        start = 0
      }
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
      let read = try descriptor.read(into: room, name: name)
      if read == 0 { atEnd = true }
      end += read
    }
    return end - start >= count
  }

  /// Fills the window if it is empty; false at the end of the input.
  func fill() throws(Failure) -> Bool { try ensure(1) }

  /// Copies what the window holds, then reads straight from the descriptor.
  func read(into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if start < end {
      let count = min(target.count, end - start)
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<start + count]))
      consume(count)
      return count
    }
    if atEnd || target.isEmpty { return 0 }
    let count = try descriptor.read(into: target, name: name)
    if count == 0 { atEnd = true }
    offset += count
    return count
  }
}
