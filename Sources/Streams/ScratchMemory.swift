import Failures
import Glibc

/// Room for bytes that is gone with the process; all of them are zero.
///
/// It is in memory, or in a file that is mapped there, whose pages the system may write back when memory is
/// short.
///
/// Unchecked: the pointer is a constant. Who writes where is up to its users.
package final class ScratchMemory: @unchecked Sendable {
  /// The first of the bytes, on a page's boundary; valid while this lives.
  package let base: UnsafeMutableRawPointer
  package let count: Int

  /// Room in memory.
  ///
  /// - Throws: 74 where there is none.
  package init(_ count: Int) throws(Failure) {
    self.count = max(1, count)
    guard
      let base = mmap(
        nil, self.count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else { throw SystemError.io("memory", "mmap") }
    self.base = base
  }

  /// Room in a file.
  ///
  /// - Parameters:
  ///   - count: Bytes.
  ///   - path: Where there is no file; it loses its name at once.
  /// - Throws: 73 where it cannot be made, 74 where there is no room for it.
  package init(_ count: Int, file path: String) throws(Failure) {
    self.count = max(1, count)
    let token = Signals.register(path)
    defer { Signals.forget(token) }
    let number = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SystemError.cannotCreate(path) }
    defer { close(number) }
    unlink(path)
    // A page without a place on the disk would end the process where it is written.
    let status = posix_fallocate(number, 0, off_t(self.count))
    guard status == 0 else {
      errno = status
      throw SystemError.io(path, "allocate")
    }
    guard
      let base = mmap(nil, self.count, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0),
      base != MAP_FAILED
    else { throw SystemError.io(path, "mmap") }
    self.base = base
  }

  deinit { munmap(base, count) }
}
