import Failures
import Glibc
import Streams

/// A file in memory without reading it: pages come when they are touched.
package final class MappedFile: Sendable {
  package let path: String
  nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer

  package init(_ path: String) throws(Failure) {
    self.path = path
    let descriptor = try OwnedDescriptor.open(reading: path)
    let size = try descriptor.size(path)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor.number, 0),
      base != MAP_FAILED
    else { throw SystemError.io(path, "mmap") }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
  }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}
