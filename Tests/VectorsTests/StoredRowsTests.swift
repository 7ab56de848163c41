import Kernels
import TestSupport
import Testing
import Vectors

@Suite struct StoredRowsTests {
  /// Decodes bytes that begin at an odd address if `isOdd`.
  private func decode(
    _ codec: RowCodec, _ bytes: [UInt8], width: Int, scales: [Float], isOdd: Bool
  ) -> [Float] {
    let shift = isOdd ? 1 : 0
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 64)
    defer { source.deallocate() }
    for (i, byte) in bytes.enumerated() { source[i + shift] = byte }
    var target = [Float](repeating: -1, count: bytes.count / codec.type.size)
    target.withUnsafeMutableBufferPointer { target in
      scales.withUnsafeBytes { scales in
        codec.decode(
          UnsafeRawBufferPointer(rebasing: source[shift..<shift + bytes.count]), width: width,
          scales: scales, into: target)
      }
    }
    return target
  }

  /// 127/2 = 63.5 and 0.5 are halfway: int8 rounds them to the even neighbour, as NumPy's rint.
  @Test(arguments: [false, true])
  func knownValues(isOdd: Bool) {
    let row: [Float] = [2, -1, 1 / 127, 0]
    let kernels = Kernels()
    let exact = RowCodec(.f32, kernels).encode(row)
    #expect(exact.scale == nil)
    #expect(
      decode(RowCodec(.f32, kernels), exact.values, width: 4, scales: [], isOdd: isOdd) == row)

    let narrow = RowCodec(.i8, kernels).encode(row)
    #expect(narrow.scale == Float(2) / 127)
    #expect(narrow.values.map { Int8(bitPattern: $0) } == [127, -64, 0, 0])
    let scale = Float(2) / 127
    #expect(
      decode(RowCodec(.i8, kernels), narrow.values, width: 4, scales: [scale], isOdd: isOdd)
        == [127 * scale, -64 * scale, 0, 0])
  }

  /// f16 keeps 11 bits and bf16 8 of the significand; halfway goes to the even neighbour.
  @Test(arguments: [false, true])
  func halves(isOdd: Bool) {
    let kernels = Kernels()
    let row: [Float] = [1 + 1 / 2048, 1 + 3 / 2048, -0.0, 65504]
    let half = RowCodec(.f16, kernels)
    #expect(
      decode(half, half.encode(row).values, width: 2, scales: [], isOdd: isOdd)
        == [1, 1 + 2 / 1024, 0, 65504])
    let brain = RowCodec(.bf16, kernels)
    #expect(
      decode(
        brain, brain.encode([1 + 1 / 256, 1 + 3 / 256, -3]).values, width: 3, scales: [],
        isOdd: isOdd) == [1, 1 + 2 / 128, -3])
  }

  @Test func everyRowOfInt8HasItsScale() {
    let codec = RowCodec(.i8, Kernels())
    let bytes = [Int8(1), 2, -3, 4].map { UInt8(bitPattern: $0) }
    #expect(
      decode(codec, bytes, width: 2, scales: [0.5, 4], isOdd: false) == [0.5, 1, -12, 16])
  }

  @Test func zeroRowsOfInt8() {
    let (values, scale) = RowCodec(.i8, Kernels()).encode([0, 0])
    #expect(values == [0, 0])
    #expect(scale == 0)
  }
}
