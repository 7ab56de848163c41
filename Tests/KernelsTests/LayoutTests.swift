import Kernels
import Testing

/// The layouts of packed matrices, which outlive the program in files: a change of what is expected
/// here is a change of `PackedLayout.version`.
struct LayoutTests {
  @Test func version() { #expect(PackedLayout.version == 1) }

  /// Where packing puts the elements of W[N,K]: panels of 64 outputs, the last one narrowed to the
  /// next multiple of 16; in a panel, for every group of `depth` inputs, its outputs side by side.
  private struct Panels {
    let rows: Int
    let columns: Int
    let depth: Int

    var groups: Int { (columns + depth - 1) / depth }
    var words: Int { (rows + 15) / 16 * 16 * groups }

    /// The word of element (n, k).
    func word(_ n: Int, _ k: Int) -> Int {
      let first = n / 64 * 64
      let width = (min(64, rows - first) + 15) / 16 * 16
      return first * groups + k / depth * width + n - first
    }
  }

  private static let shapes = [(1, 1), (16, 4), (64, 16), (65, 3), (100, 37), (200, 130)]

  /// Whole numbers from -127 to 127, the first of each row 127, so that a byte is its own value.
  private static func element(_ n: Int, _ k: Int) -> Float {
    k == 0 ? 127 : Float((n * 31 + k * 17) % 255 - 127)
  }

  private static func elements(_ rows: Int, _ columns: Int) -> [Float] {
    (0..<rows).flatMap { n in (0..<columns).map { element(n, $0) } }
  }

  @Test(arguments: shapes)
  func single(rows: Int, columns: Int) {
    let matrix = PackedMatrix(Self.elements(rows, columns), rows: rows, columns: columns)
    let panels = Panels(rows: rows, columns: columns, depth: 1)
    var expected = [Float](repeating: 0, count: panels.words)
    for n in 0..<rows {
      for k in 0..<columns { expected[panels.word(n, k)] = Self.element(n, k) }
    }
    #expect(PackedMatrix.memoryCount(rows: rows, columns: columns) == panels.words)
    #expect(Self.floats(matrix.storage) == expected)
  }

  /// Words of two elements, the first one in the upper half, or of four, the first one in the lowest
  /// byte; then a scale and a sum of the bytes for every output, and the bias.
  @Test(arguments: shapes, [Precision.bf16, .int8])
  func narrow(shape: (Int, Int), precision: Precision) {
    let (rows, columns) = shape
    let bias = (0..<rows).map { Float($0) + 0.5 }
    let matrix = NarrowMatrix(
      Self.elements(rows, columns), precision, rows: rows, columns: columns, bias: bias)
    let panels = Panels(rows: rows, columns: columns, depth: precision == .bf16 ? 2 : 4)
    let padded = (rows + 15) / 16 * 16
    var expected = [UInt32](repeating: 0, count: panels.words + 3 * padded)
    for n in 0..<rows {
      var sum: Int32 = 0
      for k in 0..<columns {
        let value = Self.element(n, k)
        switch precision {
        case .bf16:
          expected[panels.word(n, k)] |= value.bitPattern >> (k % 2 == 0 ? 0 : 16)
        case .int8:
          let byte = UInt32(UInt8(bitPattern: Int8(value)))
          expected[panels.word(n, k)] |= byte << (8 * UInt32(k % 4))
          sum += Int32(value)
        case .f32: break
        }
      }
      if precision == .int8 {
        expected[panels.words + n] = Float(1).bitPattern
        expected[panels.words + padded + n] = UInt32(bitPattern: sum)
      }
      expected[panels.words + 2 * padded + n] = bias[n].bitPattern
    }
    #expect(
      NarrowMatrix.memoryCount(rows: rows, columns: columns, precision) == expected.count)
    #expect(Self.floats(matrix.storage).map(\.bitPattern) == expected)
  }

  private static func floats(_ buffer: AlignedBuffer) -> [Float] {
    Array(UnsafeBufferPointer(start: buffer.pointer, count: buffer.count))
  }
}
