import Kernels

/// Product of two thin matrices that training adds to a weight that stays as it is: x · Wᵀ becomes
/// x · Wᵀ + s · dropout(x) · Aᵀ · Bᵀ (LoRA, arXiv:2106.09685).
package struct LowRankUpdate: Sendable {
  /// A[R,K].
  package let down: Linear
  /// B[N,R].
  package let up: Linear
  /// s.
  package let scale: Double
  /// Share of the inputs that training drops; each updated weight has masks of its own.
  package let dropout: Float

  /// An update by s · B · A, B being `up` and A `down`.
  ///
  /// - Precondition: A and B are in training.
  package init(down: Parameter, up: Parameter, scale: Double, dropout: Float = 0) {
    precondition(up.matrix.columns == down.matrix.rows, "\(down.name): ranks differ")
    self.down = Linear(weights: [down])
    self.up = Linear(weights: [up])
    self.scale = scale
    self.dropout = dropout
  }

  /// A and B.
  package var parameters: [Parameter] { down.weights + up.weights }

  /// W += s · B · A, in double precision, each element by itself.
  package func add(to weights: AlignedBuffer) {
    Self.add(up: up.weights[0], down: down.weights[0], scale: scale, to: weights)
  }

  /// W += s · B · A for matrices that need not be in training, B being `up` and A `down`.
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

extension Parameter {
  /// Freezes the weight; from now on layers add `update` to its products.
  ///
  /// - Precondition: the weight is in training, `mayBeUpdated`, and of the product's shape.
  package func update(by update: LowRankUpdate) {
    precondition(
      mayBeUpdated && matrix.columns == update.down.inputs && matrix.rows == update.up.outputs,
      "\(name): shapes of a low-rank update")
    training?.isFrozen = true
    training?.lowRank = update
  }

  /// Whether the parameter is a whole weight in training, not a part of one.
  var isWhole: Bool { training.map { $0.values.count == count } ?? false }

  /// Whether layers multiply with the weight as it is, in training.
  package var mayBeUpdated: Bool { isWhole && training?.multiplies == true }

  /// The low-rank update of the weight.
  package var lowRank: LowRankUpdate? { isWhole ? training?.lowRank : nil }

  /// The sum of the weight and its update; nil where it has none.
  package func merged() -> Parameter? {
    guard let update = lowRank else { return nil }
    let sum = AlignedBuffer(count: count)
    sum.pointer.update(from: values, count: count)
    update.add(to: sum)
    return Parameter(name: name, shape: shape, values: UnsafePointer(sum.pointer), owner: sum)
  }
}
