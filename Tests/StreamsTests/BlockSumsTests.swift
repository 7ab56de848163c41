import Streams
import TestSupport
import Testing

@Suite struct BlockSumsTests {
  /// Blocks are those of the file, whatever pieces it is read in.
  @Test(arguments: [1, 65535, 65536, 65537, 131072, 400_000])
  func blocksOfFiles(size: Int) throws {
    let folder = try TemporaryFolder()
    let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 * $0 >> 7 ^ $0) }
    let output = try ByteWriter(folder("f"), compression: Compression.none)
    try content.withUnsafeBytes { bytes in try output.write(bytes) }
    try output.finish()
    let (digest, sums) = try FileDigest.blocks(folder("f"))
    #expect(digest == Checksum.hex(Checksum.xxh3(content)))
    #expect(sums.blockSize == 65536)
    #expect(
      sums.values
        == stride(from: 0, to: size, by: 65536).map {
          UInt32(truncatingIfNeeded: Checksum.xxh3(Array(content[$0..<min($0 + 65536, size)])))
        })
    guard let text = sums.text else {
      #expect(size <= 65536)
      return #expect(BlockSums(whole: digest, size: size)?.values == sums.values)
    }
    #expect(BlockSums(text, size: size) == sums)
    #expect(BlockSums(text, size: size + 65536) == nil)
    #expect(BlockSums(String(text.dropLast()) + "g", size: size) == nil)
  }

  /// There are at most 4096 blocks, of a power of two.
  @Test(arguments: [(4096 * 65536, 65536), (4096 * 65536 + 1, 131072), (1 << 40, 1 << 28)])
  func blocksOfLargeFiles(size: Int, block: Int) {
    #expect(BlockSums.blockSize(of: size) == block)
  }
}
