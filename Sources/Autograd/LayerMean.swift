import Kernels

/// The mean of the states of a backbone's layers, each with a learned weight
/// (sentence-transformers 6.2 `sentence_transformer/modules/weighted_layer_pooling.py`).
package struct LayerMean: Sendable {
  /// The first of the states that count; 0 are those in front of the first layer.
  package let first: Int
  /// A weight for each of the states from there on.
  package let weights: Parameter

  package init(first: Int, weights: Parameter) {
    self.first = first
    self.weights = weights
  }

  /// Sum of the weights.
  package var total: Double { values.reduce(0) { $0 + Double($1) } }

  /// What each of the states is multiplied by.
  fileprivate var factors: [Float] {
    let total = total
    return values.map { Float(Double($0) / total) }
  }

  private var values: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: weights.values, count: weights.count)
  }
}

extension Kernels {
  /// Some elements of the mean of matrices.
  fileprivate func mean(
    _ states: [Matrix], _ factors: [Float], _ range: Range<Int>, into out: Matrix
  ) {
    let target = UnsafeMutableBufferPointer(rebasing: out.elements[range])
    for (i, state) in states.enumerated() {
      let source = UnsafeBufferPointer(rebasing: state.elements[range])
      if i == 0 {
        scale(source, by: factors[i], into: target)
      } else {
        addScaled(source, by: factors[i], to: target)
      }
    }
  }
}

extension Inference {
  package func mean(_ states: [Matrix], _ mean: LayerMean) -> Matrix {
    let out = matrix(states[0].rows, states[0].columns)
    kernels.mean(states, mean.factors, 0..<out.elements.count, into: out)
    return out
  }
}

extension Tape {
  package func mean(_ states: [Recorded], _ mean: LayerMean) -> Recorded {
    let values = states.map(\.value)
    let (factors, total) = (mean.factors, mean.total)
    let out = matrix(values[0].rows, values[0].columns)
    forElements(out.elements.count) { [kernels] range in
      kernels.mean(values, factors, range, into: out)
    }
    let weights = mean.weights.isTrained ? [mean.weights].compactMap(\.training) : []
    let isTrained = !weights.isEmpty || states.contains { $0.slot != nil }
    return record(out, isTrained, weights: weights) { [unowned self] derivative in
      if let gradient = mean.weights.gradientToAddTo() {
        let common = product(derivative, out)
        for (i, value) in values.enumerated() {
          gradient.base[i] += Float((product(derivative, value) - common) / total)
        }
      }
      for (state, factor) in zip(states, factors) where state.slot != nil {
        let part = matrix(derivative.rows, derivative.columns)
        forElements(part.elements.count) { [kernels] range in
          kernels.scale(
            UnsafeBufferPointer(rebasing: derivative.elements[range]), by: factor,
            into: UnsafeMutableBufferPointer(rebasing: part.elements[range]))
        }
        add(part, to: state.slot)
      }
    }
  }

  /// The sum of the products of all elements, row after row.
  private func product(_ x: Matrix, _ y: Matrix) -> Double {
    (0..<x.rows).reduce(0) { $0 + Double(kernels.dot(x.row($1), y.row($1))) }
  }
}
