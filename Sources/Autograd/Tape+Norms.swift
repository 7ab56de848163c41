import Kernels

/// Normalisation of rows.
extension Tape {
  /// Rows that one thread takes at a time.
  private static let blockRows = 64
  /// Columns that one thread takes where rows are summed.
  private static let blockColumns = 64

  package func layerNorm(_ x: Recorded, _ norm: LayerNorm) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      kernels.layerNorm(
        input.view.view.rows(rows), weight: norm.weight.values, bias: norm.bias?.values,
        epsilon: norm.epsilon, into: out.view.rows(rows))
    }
    let weights = [norm.weight, norm.bias].compactMap { $0 }
    return record(out, of: weights, x) { [unowned self] derivative in
      let dx = matrix(input.rows, input.columns)
      normAdjoint(
        input.view.view, norm.weight.values, norm.weight, bias: norm.bias, epsilon: norm.epsilon,
        hasMeans: true, derivative.view.view, into: dx.view)
      add(dx, to: x.slot)
    }
  }

  package func rmsNorm(_ x: Recorded, _ norm: RMSNorm) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      norm.withFactors {
        kernels.rmsNorm(
          input.view.view.rows(rows), weight: $0, epsilon: norm.epsilon, into: out.view.rows(rows))
      }
    }
    return record(out, of: [norm.weight], x) { [unowned self] derivative in
      let dx = matrix(input.rows, input.columns)
      norm.withFactors {
        normAdjoint(
          input.view.view, $0, norm.weight, bias: nil, epsilon: norm.epsilon, hasMeans: false,
          derivative.view.view, into: dx.view)
      }
      add(dx, to: x.slot)
    }
  }

  package func normalizeHeads(_ qkv: Recorded, _ norms: HeadNorms) -> Recorded {
    let input = qkv.value
    let layout = HeadLayout(
      columns: input.columns, heads: norms.heads, keyHeads: norms.keyHeads)
    let out = matrix(input.rows, input.columns)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      for head in 0..<norms.count {
        guard let norm = norms.norm(head) else { continue }
        let columns = layout.head(head)
        norm.withFactors {
          kernels.rmsNorm(
            input.view.view[rows, columns], weight: $0, epsilon: norm.epsilon,
            into: out.view[rows, columns])
        }
      }
      if norms.values == nil {
        out.view[rows, layout.values].copy(input.view.view[rows, layout.values])
      }
    }
    let weights = [norms.queries.weight, norms.keys.weight]
    return record(out, of: weights, qkv) { [unowned self] derivative in
      let dx = matrix(input.rows, input.columns)
      for head in 0..<norms.count {
        guard let norm = norms.norm(head) else { continue }
        let columns = layout.head(head)
        norm.withFactors {
          normAdjoint(
            input.view.view.columns(columns), $0, norm.weight, bias: nil, epsilon: norm.epsilon,
            hasMeans: false, derivative.view.view.columns(columns), into: dx.view.columns(columns))
        }
      }
      if norms.values == nil {
        dx.view.columns(layout.values).copy(derivative.view.view.columns(layout.values))
      }
      add(dx, to: qkv.slot)
    }
  }

  /// Writes the derivative by x, and adds those by the parameters, which `factors` came from.
  private func normAdjoint(
    _ x: MatrixView, _ factors: UnsafePointer<Float>, _ weight: Parameter, bias: Parameter?,
    epsilon: Float, hasMeans: Bool, _ dy: MatrixView, into dx: MutableMatrixView
  ) {
    let memory = matrix(2, x.rows)
    let moments = RowMoments(memory.buffer.pointer, rows: x.rows, hasMeans: hasMeans)
    forRanges(x.rows, by: Self.blockRows) { [kernels] rows, _ in
      kernels.layerNormGradient(
        x.rows(rows), weight: factors, epsilon: epsilon, dy.rows(rows), into: dx.rows(rows),
        moments: moments.from(rows.lowerBound))
    }
    // A frozen half of the two is added up in vain, in memory of its own.
    let weight = weight.gradientToAddTo()
    let bias = bias?.gradientToAddTo()
    if weight != nil || bias != nil {
      let spare = matrix(1, x.columns)
      forRanges(x.columns, by: Self.blockColumns) { [kernels] columns, _ in
        let first = columns.lowerBound
        spare.elements[columns].update(repeating: 0)
        kernels.layerNormParameterGradients(
          x.columns(columns), dy.columns(columns), moments: moments,
          weight: (weight?.base ?? spare.buffer.pointer) + first, bias: bias.map { $0.base + first }
        )
      }
    }
  }
}
