import Kernels

/// A weight that stays as it is but for a product of two thin matrices, which are trained:
/// W = W₀ + s · B · A (LoRA, arXiv:2106.09685).
///
/// The tape runs on W, as if it were trained; `pullBack` makes its derivative those of A and B, and
/// `fold` makes W anew of what they have become.
package final class LowRankUpdate {
  /// W[N,K].
  package let weight: Parameter
  /// A[R,K].
  package let down: Parameter
  /// B[N,R].
  package let up: Parameter
  private let scale: Double
  private let original: AlignedBuffer

  /// - Precondition: all are in training, and of such shapes.
  package init(of weight: Parameter, down: Parameter, up: Parameter, scale: Double) {
    precondition(
      weight.matrix.columns == down.matrix.columns && weight.matrix.rows == up.matrix.rows
        && up.matrix.columns == down.matrix.rows, "\(weight.name): shapes of a low-rank update")
    self.weight = weight
    self.down = down
    self.up = up
    self.scale = scale
    original = AlignedBuffer(count: weight.count)
    original.pointer.update(from: weight.values, count: weight.count)
  }

  /// Adds the derivatives by A and B to theirs, and forgets the one by W.
  package func pullBack(_ kernels: Kernels) {
    guard let training = weight.training, training.hasGradient else { return }
    let (rows, columns, rank) = (up.matrix.rows, down.matrix.columns, down.matrix.rows)
    let derivative = MatrixView(training.gradient.pointer, rows: rows, columns: columns)
    // ∂B = s · ∂W · Aᵀ
    let upSlope = AlignedBuffer(count: rows * rank)
    kernels.multiply(
      derivative, PackedMatrix(down.values, rows: rank, columns: columns),
      into: MutableMatrixView(upSlope.pointer, rows: rows, columns: rank))
    add(upSlope, to: up, kernels)
    // ∂A = s · Bᵀ · ∂W
    let turned = AlignedBuffer(count: rows * rank)
    for row in 0..<rows {
      for k in 0..<rank { turned.pointer[k * rows + row] = up.values[row * rank + k] }
    }
    let downSlope = AlignedBuffer(count: rank * columns)
    kernels.multiply(
      MatrixView(turned.pointer, rows: rank, columns: rows),
      PackedMatrix(
        training.gradient.pointer, rows: columns, columns: rows, rowStride: 1,
        columnStride: columns),
      into: MutableMatrixView(downSlope.pointer, rows: rank, columns: columns))
    add(downSlope, to: down, kernels)
    training.clear()
  }

  private func add(_ slope: AlignedBuffer, to parameter: Parameter, _ kernels: Kernels) {
    guard let target = parameter.gradientToAddTo() else { return }
    kernels.addScaled(
      UnsafeBufferPointer(start: slope.pointer, count: slope.count), by: Float(scale),
      to: UnsafeMutableBufferPointer(start: target.base, count: slope.count))
  }

  /// Makes W of W₀, A and B as they are.
  package func fold() {
    guard let values = weight.training?.values else { return }
    values.pointer.update(from: original.pointer, count: original.count)
    Self.add(up: up, down: down, scale: scale, to: values)
  }

  /// W += s · B · A, in double precision, each element by itself.
  package static func add(
    up: Parameter, down: Parameter, scale: Double, to weights: AlignedBuffer
  ) {
    let (rows, rank, columns) = (up.shape[0], up.shape[1], down.shape[1])
    var sums = [Double](repeating: 0, count: columns)
    for row in 0..<rows {
      for i in 0..<columns { sums[i] = 0 }
      for k in 0..<rank {
        let factor = scale * Double(up.values[row * rank + k])
        for i in 0..<columns { sums[i] += factor * Double(down.values[k * columns + i]) }
      }
      let target = weights.pointer + row * columns
      for i in 0..<columns { target[i] = Float(Double(target[i]) + sums[i]) }
    }
  }
}
