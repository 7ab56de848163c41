import Kernels

/// A filter of a few taps for every element of a state, which sees a token and those in front of it.
package struct ShortFilter: Sendable {
  /// weight[D,1,K]; the last tap is the token's own.
  package let weight: Parameter
  /// bias[D].
  package let bias: Parameter?

  package init(weight: Parameter, bias: Parameter?) {
    self.weight = weight
    self.bias = bias
  }

  /// D.
  var width: Int { weight.shape[0] }
  /// K.
  var taps: Int { weight.columns }
  var parameters: [Parameter] { [weight, bias].compactMap { $0 } }

  /// Tap k as a row over the elements, [K][D].
  var rows: [[Float]] {
    (0..<taps).map { tap in (0..<width).map { weight.values[$0 * taps + tap] } }
  }

  /// The filter over B ∘ x of each token of a sequence, bcx[L,3D] being B, C and x side by side: [L,D].
  ///
  /// Taps in their order, then the bias; each element by itself.
  func filtered(_ bcx: MatrixView, into out: MutableMatrixView) {
    let (rows, width) = (self.rows, width)
    for token in 0..<bcx.rows {
      let y = out.base + token * out.stride
      y.update(repeating: 0, count: width)
      for tap in max(0, taps - 1 - token)..<taps {
        let from = bcx.base + (token - taps + 1 + tap) * bcx.stride
        rows[tap].withUnsafeBufferPointer { w in
          for i in 0..<width { y[i] += w[i] * (from[i] * from[2 * width + i]) }
        }
      }
      if let bias { for i in 0..<width { y[i] += bias.values[i] } }
    }
  }

  /// Multiplies out[L,D] by C.
  func gate(_ bcx: MatrixView, _ out: MutableMatrixView) {
    for token in 0..<bcx.rows {
      let (y, c) = (out.base + token * out.stride, bcx.base + token * bcx.stride + width)
      for i in 0..<width { y[i] *= c[i] }
    }
  }
}

extension Inference {
  package func shortConvolution(
    _ bcx: Matrix, _ filter: ShortFilter, _ batch: PackedBatch
  ) -> Matrix {
    let out = matrix(bcx.rows, filter.width)
    for sequence in 0..<batch.sequences {
      let rows = batch.range(sequence)
      filter.filtered(bcx.view.view.rows(rows), into: out.view.rows(rows))
      filter.gate(bcx.view.view.rows(rows), out.view.rows(rows))
    }
    return out
  }
}

extension Tape {
  package func shortConvolution(
    _ bcx: Recorded, _ filter: ShortFilter, _ batch: PackedBatch
  ) -> Recorded {
    let out = matrix(bcx.value.rows, filter.width)
    forEach(batch.sequences) { sequence, _ in
      let rows = batch.range(sequence)
      filter.filtered(bcx.value.view.view.rows(rows), into: out.view.rows(rows))
      filter.gate(bcx.value.view.view.rows(rows), out.view.rows(rows))
    }
    return record(out, of: filter.parameters, bcx) { [unowned self] derivative in
      let dx = matrix(bcx.value.rows, bcx.value.columns)
      // Derivatives by the taps of each sequence, one row a tap and one for the bias.
      let parts = zeros(batch.sequences * (filter.taps + 1), filter.width)
      forEach(batch.sequences) { [self] sequence, _ in
        let (rows, first) = (batch.range(sequence), sequence * (filter.taps + 1))
        adjoint(
          filter, bcx.value.view.view.rows(rows), derivative.view.view.rows(rows),
          into: dx.view.rows(rows), parts.view.rows(first..<first + filter.taps + 1))
      }
      addFilterGradients(parts, filter, batch)
      add(dx, to: bcx.slot)
    }
  }

  /// The adjoint of one sequence.
  ///
  /// Several workers do this at once: the memory is no matrix of the tape, whose arena is of one.
  private func adjoint(
    _ filter: ShortFilter, _ x: MatrixView, _ dy: MatrixView, into dx: MutableMatrixView,
    _ parts: MutableMatrixView
  ) {
    let (width, taps, rows) = (filter.width, filter.taps, filter.rows)
    let filtered = AlignedBuffer(count: x.rows * width)
    filter.filtered(x, into: filtered.matrix(rows: x.rows, columns: width))
    // By B ∘ x.
    var inner = [Float](repeating: 0, count: x.rows * width)
    for token in 0..<x.rows {
      let (y, from) = (dy.base + token * dy.stride, x.base + token * x.stride)
      let (by, sum) = (dx.base + token * dx.stride, parts.base + taps * parts.stride)
      for i in 0..<width {
        by[width + i] = y[i] * filtered.pointer[token * width + i]
        sum[i] += y[i] * from[width + i]
      }
      for tap in max(0, taps - 1 - token)..<taps {
        let source = token - taps + 1 + tap
        let (tapped, weight) = (x.base + source * x.stride, parts.base + tap * parts.stride)
        for i in 0..<width {
          let slope = y[i] * from[width + i]
          weight[i] += slope * (tapped[i] * tapped[2 * width + i])
          inner[source * width + i] += slope * rows[tap][i]
        }
      }
    }
    for token in 0..<x.rows {
      let (from, by) = (x.base + token * x.stride, dx.base + token * dx.stride)
      for i in 0..<width {
        by[i] = inner[token * width + i] * from[2 * width + i]
        by[2 * width + i] = inner[token * width + i] * from[i]
      }
    }
  }

  /// Adds what the sequences gave, in their order.
  private func addFilterGradients(_ parts: Matrix, _ filter: ShortFilter, _ batch: PackedBatch) {
    let (taps, width) = (filter.taps, filter.width)
    let (weight, bias) = (
      filter.weight.gradientToAddTo(), filter.bias.flatMap { $0.gradientToAddTo() }
    )
    for sequence in 0..<batch.sequences {
      for tap in 0...taps {
        let row = parts.row(sequence * (taps + 1) + tap)
        for i in 0..<width {
          if tap == taps { bias?.base[i] += row[i] } else { weight?.base[i * taps + tap] += row[i] }
        }
      }
    }
  }
}
