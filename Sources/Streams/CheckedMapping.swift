import CXXHash
import Failures
import Glibc
import Synchronization

/// Compares the blocks of a mapped file with their checksums as they are touched.
///
/// The mapping cannot be read at first. A thread that touches a block gets SIGSEGV, whose handler reads
/// the block through a second mapping of the file, and makes the block readable where it is right; what
/// else a thread may see has been compared. Where it is not, the process ends with a message and status
/// 65. Once compared a block costs nothing.
package final class CheckedMapping: Sendable {
  private let token: MappedRegions.Token
  private let twinToken: MappedRegions.Token
  /// Unsafe in name only: nobody writes there.
  nonisolated(unsafe) private let twin: UnsafeRawBufferPointer
  nonisolated(unsafe) private let sums: UnsafeMutablePointer<UInt32>

  /// Nil where the file cannot be mapped once more.
  ///
  /// - Parameters:
  ///   - bytes: The mapping, which nobody can read yet.
  ///   - path: The file's path.
  ///   - descriptor: The file.
  ///   - sums: Checksums of as many blocks as it has.
  package init?(
    _ bytes: UnsafeRawBufferPointer, of path: String, _ descriptor: Int32, _ sums: BlockSums
  ) {
    guard let base = mmap(nil, bytes.count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      base != MAP_FAILED
    else { return nil }
    Signals.handleUnchecked()
    twin = UnsafeRawBufferPointer(start: base, count: bytes.count)
    self.sums = .allocate(capacity: sums.values.count)
    self.sums.initialize(from: sums.values, count: sums.values.count)
    twinToken = MappedRegions.register(twin, of: path)
    token = MappedRegions.register(
      bytes, of: path,
      MappedRegions.Checks(
        twin: UnsafeRawPointer(base), sums: UnsafePointer(self.sums), blockSize: sums.blockSize))
  }

  deinit {
    MappedRegions.forget(token)
    MappedRegions.forget(twinToken)
    if let base = twin.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), twin.count) }
    sums.deallocate()
  }
}

extension MappedRegions {
  /// What the bytes of a mapping are compared with.
  package struct Checks {
    /// Another mapping of the file, which can be read.
    let twin: UnsafeRawPointer
    let sums: UnsafePointer<UInt32>
    let blockSize: Int
  }
}

extension MappedRegions.Region {
  /// Compares the block of an address, and makes it readable.
  ///
  /// Async-signal-safe.
  ///
  /// - Parameters:
  ///   - address: An address of the mapping.
  ///   - checks: What its bytes are compared with.
  /// - Returns: Whether the block is right.
  func admit(_ address: UInt, _ checks: MappedRegions.Checks) -> Bool {
    let error = errno
    defer { errno = error }
    let block = min(Int(address - start), count - 1) / checks.blockSize
    guard isRight(block, checks) else { return false }
    if allowReading(block * checks.blockSize, size(block, checks)) { return true }
    // The mapping is in more parts than the system allows: all of it becomes one.
    for block in 0...(count - 1) / checks.blockSize where !isRight(block, checks) { return false }
    return allowReading(0, count)
  }

  private func size(_ block: Int, _ checks: MappedRegions.Checks) -> Int {
    min(checks.blockSize, count - block * checks.blockSize)
  }

  private func isRight(_ block: Int, _ checks: MappedRegions.Checks) -> Bool {
    let bytes = checks.twin + block * checks.blockSize
    let size = size(block, checks)
    let sum = XXH3_64bits(bytes, size)
    // The pages are those of the file: they need not count twice.
    madvise(UnsafeMutableRawPointer(mutating: bytes), size, MADV_DONTNEED)
    return UInt32(truncatingIfNeeded: sum) == checks.sums[block]
  }

  private func allowReading(_ first: Int, _ size: Int) -> Bool {
    mprotect(UnsafeMutableRawPointer(bitPattern: start + UInt(first)), size, PROT_READ) == 0
  }
}
