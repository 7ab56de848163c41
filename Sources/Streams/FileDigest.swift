import Failures

/// Digests of whole files.
package enum FileDigest {
  /// XXH3-128, 32 hexadecimal digits.
  package static func of(_ path: String) throws(Failure) -> String { try read(path).longHex }

  /// XXH3-64, 16 hexadecimal digits.
  package static func short(_ path: String) throws(Failure) -> String {
    Checksum.hex(try read(path).value)
  }

  private static func read(_ path: String) throws(Failure) -> RunningChecksum {
    let descriptor = try OwnedDescriptor.open(reading: path)
    let running = RunningChecksum()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try descriptor.read(into: buffer, name: path)
      if count == 0 { return running }
      running.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}
