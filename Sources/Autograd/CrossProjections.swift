import Kernels

/// Key and value projections of attention with one query a sequence, folded into its query and its
/// result: q · (W·x) = (qᵀW) · x, and Σ w·(W·x) = W · Σ w·x, head by head.
package final class CrossProjections: Sendable {
  /// Wk[I,D] and Wv[I,D], without biases.
  package let key: Parameter
  package let value: Parameter
  package let heads: Int
  package let scale: Float
  /// The projections as layers, in training.
  let layers: (key: Linear, value: Linear)?
  private let fixed: [(key: PackedMatrix, value: PackedMatrix)]?

  /// Wkᵀ[D,E] and Wv[E,D] of each head.
  ///
  /// - Precondition: The projections are not in training.
  var folded: [(key: PackedMatrix, value: PackedMatrix)] {
    guard let fixed else { preconditionFailure("\(key.name) is in training") }
    return fixed
  }

  /// Projections Wk[I,D] and Wv[I,D], where I is a multiple of the number of heads.
  ///
  /// They are packed here, unless the `memory` of other projections already holds the packed
  /// matrices; then the values of `key` and `value` are not read.
  package init(
    key: Parameter, value: Parameter, heads: Int, scale: Float, memory: [AlignedBuffer]? = nil
  ) {
    let (inner, width) = (key.rows, key.columns)
    precondition(
      inner % heads == 0 && value.rows == inner && value.columns == width,
      "cross projections of \(inner) × \(width)")
    self.key = key
    self.value = value
    self.heads = heads
    self.scale = scale
    if key.training != nil || value.training != nil {
      layers = (Linear(weights: [key]), Linear(weights: [value]))
      fixed = nil
      return
    }
    layers = nil
    let headWidth = inner / heads
    if let memory {
      fixed = (0..<heads).map { head in
        (
          PackedMatrix(rows: width, columns: headWidth, memory: memory[2 * head]),
          PackedMatrix(rows: headWidth, columns: width, memory: memory[2 * head + 1])
        )
      }
      return
    }
    defer { for weight in [key, value] { weight.wereCopied() } }
    fixed = (0..<heads).map { head in
      let start = head * headWidth * width
      return (
        PackedMatrix(
          key.values + start, rows: width, columns: headWidth, rowStride: 1, columnStride: width),
        PackedMatrix(value.values + start, rows: headWidth, columns: width)
      )
    }
  }

  /// The packed matrices of each head, key and value in turn; nil in training.
  package var memory: [AlignedBuffer]? { fixed?.flatMap { [$0.key.storage, $0.value.storage] } }

  /// Floats of each `memory` of such projections.
  package static func memoryCounts(inner: Int, width: Int, heads: Int) -> [Int] {
    let headWidth = inner / heads
    return (0..<heads).flatMap { _ in
      [
        PackedMatrix.memoryCount(rows: width, columns: headWidth),
        PackedMatrix.memoryCount(rows: headWidth, columns: width),
      ]
    }
  }
}
