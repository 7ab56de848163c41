import Kernels
import Tensors
import Vectors

/// Cuts vectors to their first numbers (Matryoshka), as `lir-encode --dims` does.
///
/// Vectors of unit length are brought to it again; others stay as they are.
package struct VectorCut: Sendable {
  /// Numbers that are left.
  let width: Int
  private let type: ElementType
  private let codec: RowCodec
  private let kernels: Kernels

  package init(to width: Int, _ type: ElementType, _ kernels: Kernels) {
    self.width = width
    self.type = type
    self.kernels = kernels
    codec = RowCodec(type, kernels)
  }

  /// How far a length may be from 1, to be that of numbers that were rounded to bfloat16 or bytes.
  private static let tolerance = 0x1p-6

  /// Cuts vectors that are to be stored.
  ///
  /// - Parameters:
  ///   - values: Finite vectors, [count, full].
  ///   - full: Numbers of each.
  /// - Returns: For each vector what is stored, and the numbers that this stands for.
  func callAsFunction(
    _ values: [Float], of full: Int
  ) -> [(stored: (values: [UInt8], scale: Float?), numbers: [Float])] {
    values.withUnsafeBufferPointer { values in
      stride(from: 0, to: values.count, by: full).map { start in
        var row = [Float](repeating: 0, count: width)
        let stored = row.withUnsafeMutableBufferPointer { row in
          shorten(values.baseAddress.unsafelyUnwrapped + start, of: full, into: row)
          return round(row)
        }
        return (stored, row)
      }
    }
  }

  /// Cuts one vector.
  ///
  /// - Parameters:
  ///   - vector: The vector, as it is stored.
  ///   - full: Its numbers.
  ///   - target: Gets the numbers that would be stored of it when it is cut.
  func cut(
    _ vector: UnsafePointer<Float>, of full: Int, into target: UnsafeMutablePointer<Float>
  ) {
    let target = UnsafeMutableBufferPointer(start: target, count: width)
    shorten(vector, of: full, into: target)
    if type != .f32, width < full { _ = round(target) }
  }

  /// The vectors of queries, each of more numbers cut to as many.
  package func queries(_ queries: Embeddings) -> Embeddings {
    guard case .dense(let values, let full) = queries, full > width else { return queries }
    var cut = [Float](repeating: 0, count: values.count / full * width)
    values.withUnsafeBufferPointer { values in
      cut.withUnsafeMutableBufferPointer { cut in
        for row in 0..<values.count / full {
          self.cut(
            values.baseAddress.unsafelyUnwrapped + row * full, of: full,
            into: cut.baseAddress.unsafelyUnwrapped + row * width)
        }
      }
    }
    return .dense(cut, dimension: width)
  }

  private func shorten(
    _ vector: UnsafePointer<Float>, of full: Int, into row: UnsafeMutableBufferPointer<Float>
  ) {
    guard let base = row.baseAddress else { return }
    base.update(from: vector, count: width)
    guard width < full, Self.isUnit(UnsafeBufferPointer(start: vector, count: full)) else { return }
    DenseComparison.bringToUnitLength(MutableMatrixView(base, rows: 1, columns: width), kernels)
  }

  /// Whether a vector has unit length, but for rounding.
  private static func isUnit(_ vector: UnsafeBufferPointer<Float>) -> Bool {
    // Sums in whatever order agree on all but a few vectors.
    var lanes = SIMD8<Float>.zero
    var place = 0
    while place + 8 <= vector.count {
      let part = UnsafeRawPointer(vector.baseAddress.unsafelyUnwrapped + place)
        .loadUnaligned(as: SIMD8<Float>.self)
      lanes += part * part
      place += 8
    }
    var sum = lanes.sum()
    for number in vector[place...] { sum += number * number }
    if abs(sum - 1) < 0x1p-7 { return true }
    if abs(sum - 1) > 0x1p-4 { return false }
    let square = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
    return abs(square.squareRoot() - 1) < tolerance
  }

  /// Stores a row, and replaces its numbers by those that are stored.
  private func round(
    _ row: UnsafeMutableBufferPointer<Float>
  ) -> (values: [UInt8], scale: Float?) {
    let stored = codec.encode(Array(row))
    let scales = stored.scale.map { [$0] } ?? []
    stored.values.withUnsafeBytes { bytes in
      scales.withUnsafeBytes { scales in
        codec.decode(bytes, width: width, scales: scales, into: row)
      }
    }
    return stored
  }
}
