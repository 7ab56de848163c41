import KernelReference
import Kernels
import Testing

/// Sums of what a query's tables say of the halves of codes' bytes.
@Suite struct LookupTests {
  @Test(arguments: [1, 2, 3, 24, 48, 127, 511, 513, 1030], [1, 15, 63, 64, 255])
  func sumsOfTheDefinition(depth: Int, most: Int) {
    var random = CounterRandom(seed: UInt64(depth * 1000 + most))
    for blocks in [0, 1, 2, 3, 5] {
      let codes = (0..<blocks * depth * BitRows.block).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      // The largest number among them often, so that sums are largest, too.
      let tables = (0..<depth * 32).map { place in
        place % 3 == 0 ? UInt8(most) : UInt8(random.next() % UInt64(most + 1))
      }
      let expected = Reference.lookUpSums(codes, tables, depth: depth)
      for kernels in instances {
        // What was there before does not count.
        var sums = [UInt16](repeating: 12345, count: blocks * BitRows.block + 1)
        codes.withUnsafeBufferPointer { codes in
          tables.withUnsafeBufferPointer { tables in
            sums.withUnsafeMutableBufferPointer { sums in
              guard let sums = sums.baseAddress, let tables = tables.baseAddress else { return }
              kernels.lookUp(
                blocks: blocks, depth: depth, codes: codes.baseAddress ?? tables, tables: tables,
                most: most, into: sums)
            }
          }
        }
        #expect(
          sums == expected + [12345], "\(kernels.instructionSet.name), \(blocks) blocks")
      }
    }
  }
}
