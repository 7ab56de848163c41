import Failures
import Glibc
import Streams

/// A file in memory without reading it: pages come when they are touched.
package final class MappedFile: Sendable {
  package let path: String
  /// The file's bytes; valid while this lives.
  ///
  /// Unsafe in name only: the mapping stays where it is from `init` to `deinit`, and nobody can write
  /// it. `discard` changes what is in memory, not what is read.
  nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
  private let token: MappedRegions.Token?

  package init(_ path: String) throws(Failure) {
    self.path = path
    let descriptor = try OwnedDescriptor.open(reading: path)
    let size = try descriptor.size(path)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      token = nil
      return
    }
    guard let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor.number, 0),
      base != MAP_FAILED
    else { throw SystemError.io(path, "mmap") }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
    token = MappedRegions.register(bytes, of: path)
  }

  /// Gives the memory of some bytes back; they are read again when they are touched.
  package func discard(_ range: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, let start = range.baseAddress, !range.isEmpty else {
      return
    }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (start - base) / page * page
    // Only a hint: nothing is lost where it is not taken.
    _ = madvise(
      UnsafeMutableRawPointer(mutating: base + first), start - base - first + range.count,
      MADV_DONTNEED)
  }

  deinit {
    if let token { MappedRegions.forget(token) }
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}
