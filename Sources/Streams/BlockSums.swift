import CXXHash

/// Checksums of the blocks of a file, for readers who look at some of it only: the low halves of their
/// XXH3-64.
package struct BlockSums: Sendable, Equatable {
  /// Bytes of a block, but for the last one.
  package let blockSize: Int
  package let values: [UInt32]

  /// The least size of a block: whole pages, whatever the machine's.
  private static let least = 1 << 16
  /// Blocks of a file at most: the mapping of a file falls into as many parts.
  private static let most = 1 << 14
  /// As many as earlier releases made of a file.
  private static let mostOnce = 4096

  /// Bytes of a block of a file: the same everywhere, so that nobody needs to say it.
  package static func blockSize(of size: Int) -> Int { blockSize(of: size, atMost: most) }

  private static func blockSize(of size: Int, atMost most: Int) -> Int {
    var block = least
    // A manifest may say any size; a product would be too large for some.
    while size > 0, (size - 1) / block >= most { block *= 2 }
    return block
  }

  /// Whether a file of so many bytes is one block, whose checksum is the file's.
  package static func isOne(_ size: Int) -> Bool { size <= blockSize(of: size) }

  package init(blockSize: Int, values: [UInt32]) {
    self.blockSize = blockSize
    self.values = values
  }

  /// Sums as they are written, by this release or an earlier one: eight hexadecimal digits a block; nil for
  /// anything else, or for another number of blocks than the size asks for.
  ///
  /// - Parameters:
  ///   - text: The digits.
  ///   - size: Bytes of the file.
  package init?(_ text: String, size: Int) {
    let digits = Array(text.utf8)
    let blocks = [Self.most, Self.mostOnce].map { Self.blockSize(of: size, atMost: $0) }
    guard size > 0, let block = blocks.first(where: { digits.count == 8 * ((size - 1) / $0 + 1) })
    else { return nil }
    blockSize = block
    var values: [UInt32] = []
    for first in stride(from: 0, to: digits.count, by: 8) {
      var value: UInt32 = 0
      for digit in digits[first..<first + 8] {
        switch digit {
        case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
        case 0x61...0x66: value = value << 4 | UInt32(digit - 0x61 + 10)
        default: return nil
        }
      }
      values.append(value)
    }
    self.values = values
  }

  /// The whole file as one block; nil where the checksum is none.
  ///
  /// - Parameters:
  ///   - checksum: XXH3-64 of the file, 16 hexadecimal digits.
  ///   - size: Bytes of the file.
  package init?(whole checksum: String, size: Int) {
    guard checksum.utf8.count == 16, let value = UInt64(checksum, radix: 16) else { return nil }
    blockSize = max(size, 1)
    values = [UInt32(truncatingIfNeeded: value)]
  }

  /// Whether a file of so many bytes has as many blocks.
  package func fit(_ size: Int) -> Bool { size > 0 && (size - 1) / blockSize + 1 == values.count }

  /// Whether bytes of a file have these sums.
  package func areThose(of bytes: UnsafeRawBufferPointer) -> Bool {
    fit(bytes.count)
      && values.indices.allSatisfy { block in
        let first = block * blockSize
        let size = min(blockSize, bytes.count - first)
        return bytes.baseAddress.map { UInt32(truncatingIfNeeded: XXH3_64bits($0 + first, size)) }
          == values[block]
      }
  }

  /// The sums as they are written; nil where the checksum of the file says the same.
  package var text: String? {
    guard values.count > 1 else { return nil }
    return values.reduce(into: "") { text, value in
      text += Checksum.hex(UInt64(value)).suffix(8)
    }
  }
}
