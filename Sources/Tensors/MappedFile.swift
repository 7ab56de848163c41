import Failures
import Glibc
import Streams

/// A file in memory without reading it: pages come when they are touched.
///
/// Where checksums of its blocks are known, a block is compared with its own when it is touched for the
/// first time, before anything else sees it: a changed one ends the process with a message and status
/// 65, so that no number is made of it.
package final class MappedFile: Sendable {
  package let path: String
  /// The file's bytes; valid while this lives.
  ///
  /// Unsafe in name only: the mapping stays where it is from `init` to `deinit`, and nobody can write
  /// it. `discard` changes what is in memory, not what is read.
  nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
  private let token: MappedRegions.Token?
  private let checked: CheckedMapping?

  /// - Parameters:
  ///   - path: The file.
  ///   - sums: Checksums of its blocks; nil, or of a file of another size, for none.
  /// - Throws: 66 where there is no file, 74 where it cannot be mapped, 65 for a damaged one that is not
  ///   compared block by block.
  package init(_ path: String, _ sums: BlockSums? = nil) throws(Failure) {
    self.path = path
    let descriptor = try OwnedDescriptor.open(reading: path)
    let size = try descriptor.size(path)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      token = nil
      checked = nil
      return
    }
    let isChecked = sums?.fit(size) ?? false
    guard
      let base = mmap(
        nil, size, isChecked ? PROT_NONE : PROT_READ, MAP_PRIVATE, descriptor.number, 0),
      base != MAP_FAILED
    else { throw SystemError.io(path, "mmap") }
    bytes = UnsafeRawBufferPointer(start: base, count: size)
    guard let sums, isChecked else {
      token = MappedRegions.register(bytes, of: path)
      checked = nil
      return
    }
    checked = CheckedMapping(bytes, of: path, descriptor.number, sums)
    if checked != nil {
      token = nil
      return
    }
    // There is no room for one more mapping, as under a limit of addresses: all blocks are compared now.
    token = MappedRegions.register(bytes, of: path)
    guard mprotect(base, size, PROT_READ) == 0 else { throw SystemError.io(path, "mprotect") }
    guard sums.areThose(of: bytes) else {
      throw .data(path, "damaged: its bytes do not have their checksum")
    }
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
