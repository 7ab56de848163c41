import Kernels

/// Product of two thin matrices that training adds to a weight that stays as it is: x · Wᵀ becomes
/// x · Wᵀ + s · dropout(x) · Aᵀ · Bᵀ (LoRA, arXiv:2106.09685).
///
/// With lengths, each row of W + s · B · A is stretched to one that is trained (DoRA, arXiv:2402.09353).
package struct LowRankUpdate: Sendable {
  /// A[R,K].
  package let down: Linear
  /// B[N,R].
  package let up: Linear
  /// s.
  package let scale: Double
  /// Share of the inputs that training drops; each updated weight has masks of its own.
  package let dropout: Float
  /// Lengths [N] of the rows of the sum; nil where they are what they come out as.
  package let lengths: Parameter?
  /// A bias [N] of B's, which is multiplied with s as well; nil for none.
  package let bias: Parameter?

  /// An update by s · B · A, B being `up` and A `down`.
  ///
  /// - Precondition: A and B are in training, and what else there is.
  package init(
    down: Parameter, up: Parameter, scale: Double, dropout: Float = 0, lengths: Parameter? = nil,
    bias: Parameter? = nil
  ) {
    precondition(up.matrix.columns == down.matrix.rows, "\(down.name): ranks differ")
    precondition(lengths == nil || bias == nil, "\(down.name): lengths and a bias")
    self.down = Linear(weights: [down])
    self.up = Linear(weights: [up])
    self.scale = scale
    self.dropout = dropout
    self.lengths = lengths
    self.bias = bias
  }

  /// A, B and what else is trained of the update.
  package var parameters: [Parameter] {
    down.weights + up.weights + [lengths, bias].compactMap { $0 }
  }

  /// Whether the update is a product and nothing else.
  var isProduct: Bool { lengths == nil && bias == nil }

  /// The update of some rows of the weight.
  func rows(_ range: Range<Int>) -> LowRankUpdate {
    func part(_ vector: Parameter?) -> Parameter? {
      vector.map { $0.reshaped([$0.count, 1]).rows(range).reshaped([range.count]) }
    }
    return LowRankUpdate(
      down: down.weights[0], up: up.weights[0].rows(range), scale: scale, dropout: dropout,
      lengths: part(lengths), bias: part(bias))
  }

  /// Makes of W what layers multiply with, in double precision, each element by itself.
  package func add(to weights: AlignedBuffer) {
    Self.add(up: up.weights[0], down: down.weights[0], scale: scale, to: weights)
    if let lengths { Self.stretch(weights, to: lengths) }
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

  /// Gives each row of W its length.
  package static func stretch(_ weights: AlignedBuffer, to lengths: Parameter) {
    let columns = weights.count / lengths.count
    for row in 0..<lengths.count {
      let values = weights.pointer + row * columns
      let factor = Double(lengths.values[row]) / length(values, columns)
      for i in 0..<columns { values[i] = Float(factor * Double(values[i])) }
    }
  }

  /// The length of a row.
  package static func length(_ values: UnsafePointer<Float>, _ columns: Int) -> Double {
    var sum = 0.0
    for i in 0..<columns { sum += Double(values[i]) * Double(values[i]) }
    return sum.squareRoot()
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

  /// Notes what the bias of B, which belongs to an update of this bias's layer, adds to it.
  ///
  /// - Precondition: both are in training and of one size.
  package func add(_ bias: Parameter, times factor: Double) {
    precondition(isWhole && bias.count == count, "\(name): sizes of biases")
    training?.addition = (bias, factor)
  }

  /// Whether the parameter is a whole weight in training, not a part of one.
  var isWhole: Bool { training.map { $0.values.count == count } ?? false }

  /// Whether layers multiply with the weight as it is, in training.
  package var mayBeUpdated: Bool { isWhole && training?.multiplies == true }

  /// The low-rank update of the weight, or of the rows that this is of one.
  package var lowRank: LowRankUpdate? {
    guard let training, let update = training.lowRank, !isWhole else { return training?.lowRank }
    return update.rows(offset / columns..<offset / columns + rows)
  }

  /// What the weight becomes together with its update; nil where it has none.
  package func merged() -> Parameter? {
    guard isWhole, let training, training.lowRank != nil || training.addition != nil else {
      return nil
    }
    let sum = AlignedBuffer(count: count)
    sum.pointer.update(from: values, count: count)
    training.lowRank?.add(to: sum)
    if let addition = training.addition {
      for i in 0..<count {
        sum.pointer[i] = Float(
          Double(sum.pointer[i]) + addition.factor * Double(addition.bias.values[i]))
      }
    }
    return Parameter(name: name, shape: shape, values: UnsafePointer(sum.pointer), owner: sum)
  }
}
