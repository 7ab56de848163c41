import Kernels

/// The tokens around each token, whose sum with weights is a convolution.
private enum Neighbours {
  /// out[t, d·K + k] = x[t + k − K/2, d] within a sequence, and 0 outside.
  static func gather(_ x: MatrixView, taps: Int, into out: MutableMatrixView) {
    for token in 0..<x.rows {
      for tap in 0..<taps {
        let source = token + tap - taps / 2
        let isInside = source >= 0 && source < x.rows
        for i in 0..<x.columns {
          out.base[token * out.stride + i * taps + tap] =
            isInside ? x.base[source * x.stride + i] : 0
        }
      }
    }
  }

  /// The adjoint of `gather`, added to dx.
  static func scatter(_ dy: MatrixView, taps: Int, into dx: MutableMatrixView) {
    for token in 0..<dx.rows {
      for tap in 0..<taps {
        let source = token + tap - taps / 2
        guard source >= 0, source < dx.rows else { continue }
        for i in 0..<dx.columns {
          dx.base[source * dx.stride + i] += dy.base[token * dy.stride + i * taps + tap]
        }
      }
    }
  }
}

extension Inference {
  package func neighbours(_ x: Matrix, taps: Int, _ batch: PackedBatch) -> Matrix {
    let out = matrix(x.rows, x.columns * taps)
    for sequence in 0..<batch.sequences {
      let rows = batch.range(sequence)
      Neighbours.gather(x.view.view.rows(rows), taps: taps, into: out.view.rows(rows))
    }
    return out
  }
}

extension Tape {
  package func neighbours(_ x: Recorded, taps: Int, _ batch: PackedBatch) -> Recorded {
    let out = matrix(x.value.rows, x.value.columns * taps)
    forEach(batch.sequences) { sequence, _ in
      let rows = batch.range(sequence)
      Neighbours.gather(x.value.view.view.rows(rows), taps: taps, into: out.view.rows(rows))
    }
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = zeros(x.value.rows, x.value.columns)
      forEach(batch.sequences) { sequence, _ in
        let rows = batch.range(sequence)
        Neighbours.scatter(derivative.view.view.rows(rows), taps: taps, into: dx.view.rows(rows))
      }
      return [dx]
    }
  }
}
