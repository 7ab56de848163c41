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

  /// There are at most 16384 blocks, of a power of two.
  @Test(arguments: [(16384 * 65536, 65536), (16384 * 65536 + 1, 131072), (1 << 40, 1 << 26)])
  func blocksOfLargeFiles(size: Int, block: Int) {
    #expect(BlockSums.blockSize(of: size) == block)
    let digits = { (blocks: Int) in String(repeating: "0", count: 8 * blocks) }
    #expect(BlockSums(digits((size - 1) / block + 1), size: size)?.blockSize == block)
    // Earlier releases made 4096.
    let once = max(65536, size.nextPowerOfTwo / 4096)
    #expect(BlockSums(digits((size - 1) / once + 1), size: size)?.blockSize == once)
    #expect(BlockSums(digits((size - 1) / (2 * once) + 1), size: size) == nil)
  }

  /// A manifest may say any size.
  @Test func sizeOfAllBits() {
    #expect(!BlockSums.isOne(.max))
    #expect(BlockSums.blockSize(of: .max) == 1 << 49)
    #expect(BlockSums("0123abcd", size: .max) == nil)
  }

  /// A file of several blocks is not one because nothing is said of them.
  @Test func oneBlock() throws {
    #expect(BlockSums.isOne(65536) && !BlockSums.isOne(65537))
    let bytes = (0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let values = [bytes[..<65536], bytes[65536...]].map {
      UInt32(truncatingIfNeeded: Checksum.xxh3(Array($0)))
    }
    let sums = BlockSums(blockSize: 65536, values: values)
    #expect(bytes.withUnsafeBytes { sums.areThose(of: $0) })
    for place in [0, 65535, 65536, 69_999] {
      var other = bytes
      other[place] ^= 1
      #expect(other.withUnsafeBytes { !sums.areThose(of: $0) })
    }
    #expect(bytes.dropLast().withUnsafeBytes { !sums.areThose(of: $0) })
  }
}

extension Int {
  fileprivate var nextPowerOfTwo: Int {
    var power = 1
    while power < self { power *= 2 }
    return power
  }
}
