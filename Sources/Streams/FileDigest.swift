import Failures

/// Digests of whole files.
package enum FileDigest {
  /// XXH3-128, 32 hexadecimal digits.
  package static func of(_ path: String) throws(Failure) -> String { try read(path).longHex }

  /// XXH3-64, 16 hexadecimal digits.
  package static func short(_ path: String) throws(Failure) -> String {
    Checksum.hex(try read(path).value)
  }

  /// XXH3-64, 16 hexadecimal digits, and checksums of the blocks.
  package static func blocks(_ path: String) throws(Failure) -> (digest: String, sums: BlockSums) {
    let size = BlockSums.blockSize(
      of: try OwnedDescriptor.open(reading: path).size(path))
    var values: [UInt32] = []
    var (block, room) = (RunningChecksum(), size)
    let whole = try read(path) { bytes in
      var rest = bytes
      while !rest.isEmpty {
        let count = min(room, rest.count)
        block.update(UnsafeRawBufferPointer(rebasing: rest[..<count]))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        room -= count
        if room == 0 {
          values.append(UInt32(truncatingIfNeeded: block.value))
          (block, room) = (RunningChecksum(), size)
        }
      }
    }
    if room < size { values.append(UInt32(truncatingIfNeeded: block.value)) }
    return (Checksum.hex(whole.value), BlockSums(blockSize: size, values: values))
  }

  private static func read(
    _ path: String, _ body: (UnsafeRawBufferPointer) -> Void = { _ in }
  ) throws(Failure) -> RunningChecksum {
    let descriptor = try OwnedDescriptor.open(reading: path)
    let running = RunningChecksum()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try descriptor.read(into: buffer, name: path)
      if count == 0 { return running }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      running.update(bytes)
      body(bytes)
    }
  }
}
