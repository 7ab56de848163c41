import CXXHash
import CZlib

/// XXH3, the checksum of every format here.
package enum Checksum {
  /// XXH3-64 of bytes.
  package static func xxh3(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    XXH3_64bits(bytes.baseAddress, bytes.count)
  }

  package static func xxh3(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { xxh3($0) } }

  /// XXH3-128 of bytes, as 32 lower-case hexadecimal digits (high half first, as `xxhsum -H2`).
  package static func xxh3Long(_ bytes: [UInt8]) -> String {
    let hash = bytes.withUnsafeBytes { XXH3_128bits($0.baseAddress, $0.count) }
    return hex(hash.high64) + hex(hash.low64)
  }

  /// CRC-32 as zip and gzip have it.
  package static func crc32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let base = bytes.baseAddress else { return 0 }
    return UInt32(
      truncatingIfNeeded: crc32_z(0, base.assumingMemoryBound(to: UInt8.self), bytes.count))
  }

  /// 16 lower-case hexadecimal digits.
  package static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// XXH3-64 and XXH3-128 of bytes that come piece by piece.
package final class RunningChecksum {
  private let state: OpaquePointer

  package init() {
    guard let state = XXH3_createState() else { preconditionFailure("XXH3: out of memory") }
    self.state = state
    XXH3_128bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    // XXH3's 64- and 128-bit forms share their state; only the last step differs.
    XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
  }

  package func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  /// XXH3-64 of everything so far.
  package var value: UInt64 { XXH3_64bits_digest(state) }

  /// XXH3-128 of everything so far, 32 hexadecimal digits.
  package var longHex: String {
    let hash = XXH3_128bits_digest(state)
    return Checksum.hex(hash.high64) + Checksum.hex(hash.low64)
  }

  package func reset() { XXH3_128bits_reset(state) }
}
