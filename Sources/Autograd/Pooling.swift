import Kernels

/// Rule by which the tokens of a sequence become one vector.
package enum Pooling: String, Sendable, CaseIterable {
  /// The first token.
  case first
  /// The last token.
  case last
  case mean, max, sum
  /// The sum divided by the square root of the number of tokens.
  case meanSqrtLength
  /// Σ i·x_i / Σ i, i from 1.
  case weightedMean
}

extension Kernels {
  /// One vector of the tokens x[L,D] of a sequence, L > 0.
  func pool(_ x: MatrixView, _ pooling: Pooling, into out: UnsafeMutableBufferPointer<Float>) {
    guard let target = out.baseAddress else { return }
    func row(_ index: Int) -> UnsafeBufferPointer<Float> {
      UnsafeBufferPointer(start: x.base + index * x.stride, count: x.columns)
    }
    switch pooling {
    case .first: _ = out.update(fromContentsOf: row(0))
    case .last: _ = out.update(fromContentsOf: row(x.rows - 1))
    case .mean: meanRows(x, into: target)
    case .max: maxRows(x, into: target)
    case .sum: sumRows(x, into: target)
    case .meanSqrtLength:
      sumRows(x, into: target)
      scale(UnsafeBufferPointer(out), by: 1 / Float(x.rows).squareRoot(), into: out)
    case .weightedMean:
      out.update(repeating: 0)
      for i in 0..<x.rows { addScaled(row(i), by: Float(i + 1), to: out) }
      let total = Float(x.rows * (x.rows + 1) / 2)
      scale(UnsafeBufferPointer(out), by: 1 / total, into: out)
    }
  }
}
