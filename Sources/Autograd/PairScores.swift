import Kernels

// What the outputs of a classifier say, of heads that score pairs.

extension Kernels {
  /// x[m][1] − x[m][0] of every row, [M,2] to [M,1].
  fileprivate func difference(_ x: Matrix, into y: Matrix) {
    precondition(x.columns == 2, "difference: \(x.columns) columns")
    for row in 0..<x.rows { y.elements[row] = x.elements[2 * row + 1] - x.elements[2 * row] }
  }

  /// log(1 / (1 + e⁻ˣ)) = −max(−x, 0) − log(1 + e^−|x|), in which nothing overflows.
  fileprivate func logSigmoid(_ x: Matrix, into y: Matrix) {
    let (inputs, outputs) = (x.elements, y.elements)
    for i in inputs.indices { outputs[i] = -abs(inputs[i]) }
    apply(.exp, to: UnsafeBufferPointer(outputs), into: outputs)
    apply(.log1pRelu, to: UnsafeBufferPointer(outputs), into: outputs)
    for i in inputs.indices { outputs[i] = -(max(-inputs[i], 0) + outputs[i]) }
  }
}

extension Inference {
  package func difference(_ x: Matrix) -> Matrix {
    let out = matrix(x.rows, 1)
    kernels.difference(x, into: out)
    return out
  }

  package func logSigmoid(_ x: Matrix) -> Matrix {
    let out = matrix(x.rows, x.columns)
    kernels.logSigmoid(x, into: out)
    return out
  }
}

extension Tape {
  package func difference(_ x: Recorded) -> Recorded {
    let out = matrix(x.value.rows, 1)
    kernels.difference(x.value, into: out)
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = matrix(derivative.rows, 2)
      for row in 0..<derivative.rows {
        dx.elements[2 * row] = -derivative.elements[row]
        dx.elements[2 * row + 1] = derivative.elements[row]
      }
      return [dx]
    }
  }

  package func logSigmoid(_ x: Recorded) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    kernels.logSigmoid(input, into: out)
    return record(out, from: [x]) { [unowned self] derivative in
      // Its derivative is the sigmoid of −x: what is missing from the share of x.
      let dx = matrix(input.rows, input.columns)
      for i in input.elements.indices { dx.elements[i] = -input.elements[i] }
      kernels.apply(.sigmoid, to: UnsafeBufferPointer(dx.elements), into: dx.elements)
      for i in input.elements.indices { dx.elements[i] *= derivative.elements[i] }
      return [dx]
    }
  }
}
