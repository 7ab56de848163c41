import Kernels
import Tensors
import Vectors

/// Cuts vectors to their first numbers (Matryoshka), as `lir-encode --dims` does.
///
/// Vectors of unit length are brought to it again; others stay as they are.
struct VectorCut {
  /// Numbers that are left.
  let width: Int
  private let codec: RowCodec
  private let kernels: Kernels

  init(to width: Int, _ type: ElementType, _ kernels: Kernels) {
    self.width = width
    self.kernels = kernels
    codec = RowCodec(type, kernels)
  }

  /// How far a length may be from 1, to be that of numbers that were rounded to bfloat16 or bytes.
  private static let tolerance = 0x1p-6

  /// - Parameters:
  ///   - values: Finite vectors, [count, full].
  ///   - full: Numbers of each.
  /// - Returns: For each vector what is stored, and the numbers that this stands for.
  func callAsFunction(
    _ values: [Float], of full: Int
  ) -> [(stored: (values: [UInt8], scale: Float?), numbers: [Float])] {
    stride(from: 0, to: values.count, by: full).map { start in
      var row = Array(values[start..<start + width])
      let square = values[start..<start + full].reduce(0.0) { $0 + Double($1) * Double($1) }
      if width < full, abs(square.squareRoot() - 1) < Self.tolerance {
        DenseComparison.bringToUnitLength(&row, dimension: width, kernels)
      }
      let stored = codec.encode(row)
      let scales = stored.scale.map { [$0] } ?? []
      row.withUnsafeMutableBufferPointer { row in
        stored.values.withUnsafeBytes { bytes in
          scales.withUnsafeBytes { scales in
            codec.decode(bytes, width: width, scales: scales, into: row)
          }
        }
      }
      return (stored, row)
    }
  }
}
