import Kernels

/// A few numbers of a vector and of a centroid whose product is at least the score of the two, whatever
/// was rounded on the way.
///
/// Numbers along principal directions are multiplied as they are. For the rest of both, Cauchy and
/// Schwarz say that its product is at most that of the lengths that are left:
/// ⟨x, c⟩ ≤ ⟨Qx, Qc⟩ + √(‖x‖² − ‖Qx‖²) √(‖c‖² − ‖Qc‖²).
package struct ShortForm: Sendable {
  package let dimension: Int
  /// nil where all numbers are kept.
  private let directions: PackedMatrix?
  /// Numbers that are kept.
  private let kept: Int
  /// At least the relative error of a number that is kept, of products and of lengths.
  private let rounding: Float
  private let kernels: Kernels

  /// Numbers of the form.
  package var width: Int { kept + 3 }

  /// Below this, squares are lost among the smallest numbers.
  private static let smallest: Float = 0x1p-60
  /// Fewer numbers are multiplied as fast as bounds are computed.
  private static let leastDimension = 64

  /// - Parameters:
  ///   - sample: Vectors like those that are shortened.
  ///   - kernels: What multiplies.
  package init(_ sample: MatrixView, _ kernels: Kernels) {
    self.kernels = kernels
    dimension = sample.columns
    var directions: PrincipalDirections?
    if dimension >= Self.leastDimension {
      directions = PrincipalDirections(sample, count: (dimension / 4 + 15) / 16 * 16, kernels)
    }
    self.directions = directions.map { directions in
      PackedMatrix(
        directions.rows, rows: directions.count, columns: directions.dimension, kernels: kernels)
    }
    kept = directions?.count ?? dimension
    rounding = Float(dimension + kept + 64) * Float(kept).squareRoot() * 0x1p-24
  }

  /// Fills short[rows, width] with the form of vectors.
  package func shorten(vectors: MatrixView, into short: MutableMatrixView) {
    project(vectors, into: short)
    for row in 0..<vectors.rows {
      let own = short.base + row * short.stride
      let (length, rest) = lengths(vectors, row, own)
      own[kept] = 1
      own[kept + 1] = rest
      own[kept + 2] = 4 * rounding * length
    }
  }

  /// Fills short[count, width] with the form of centroids.
  package func shorten(centroids: Centroids, into short: MutableMatrixView) {
    centroids.values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      let rows = MatrixView(base, rows: centroids.count, columns: dimension)
      project(rows, into: short)
      for row in 0..<rows.rows {
        let own = short.base + row * short.stride
        let (length, rest) = lengths(rows, row, own)
        let offset = centroids.offsets[row]
        own[kept] = offset + rounding * abs(offset) + 0x1p-120
        own[kept + 1] = rest
        own[kept + 2] = length
      }
    }
  }

  private func project(_ rows: MatrixView, into short: MutableMatrixView) {
    let target = short.columns(0..<kept)
    if let directions {
      kernels.multiply(rows, directions, into: target)
    } else {
      for row in 0..<rows.rows {
        (target.base + row * target.stride).update(
          from: rows.base + row * rows.stride, count: dimension)
      }
    }
  }

  /// At least the length of a row, and of what is left of it.
  private func lengths(
    _ rows: MatrixView, _ row: Int, _ short: UnsafePointer<Float>
  ) -> (length: Float, rest: Float) {
    let all = UnsafeBufferPointer(start: rows.base + row * rows.stride, count: dimension)
    let square = kernels.dot(all, all)
    let length = square.squareRoot() * (1 + rounding) + Self.smallest
    if directions == nil { return (length, Self.smallest) }
    let part = UnsafeBufferPointer(start: short, count: kept)
    let rest = max(0, square - kernels.dot(part, part)) + 4 * rounding * square
    return (length, rest.squareRoot() * (1 + rounding) + Self.smallest)
  }
}
