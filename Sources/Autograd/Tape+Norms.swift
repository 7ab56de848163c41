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
      normAdjoint(x, norm, hasMeans: true, derivative)
    }
  }

  package func rmsNorm(_ x: Recorded, _ norm: RMSNorm) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      kernels.rmsNorm(
        input.view.view.rows(rows), weight: norm.weight.values, epsilon: norm.epsilon,
        into: out.view.rows(rows))
    }
    return record(out, of: [norm.weight], x) { [unowned self] derivative in
      normAdjoint(
        x, LayerNorm(weight: norm.weight, bias: nil, epsilon: norm.epsilon), hasMeans: false,
        derivative)
    }
  }

  private func normAdjoint(_ x: Recorded, _ norm: LayerNorm, hasMeans: Bool, _ dy: Matrix) {
    let input = x.value.view.view
    let dx = matrix(input.rows, input.columns)
    let memory = matrix(2, input.rows)
    let moments = RowMoments(memory.buffer.pointer, rows: input.rows, hasMeans: hasMeans)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      kernels.layerNormGradient(
        input.rows(rows), weight: norm.weight.values, epsilon: norm.epsilon,
        dy.view.view.rows(rows), into: dx.view.rows(rows), moments: moments.from(rows.lowerBound))
    }
    // A frozen half of the two is added up in vain, in memory of its own.
    let weight = norm.weight.gradientToAddTo()
    let bias = norm.bias?.gradientToAddTo()
    if weight != nil || bias != nil {
      let spare = matrix(1, input.columns)
      forRanges(input.columns, by: Self.blockColumns) { [kernels] columns, _ in
        let first = columns.lowerBound
        spare.elements[columns].update(repeating: 0)
        kernels.layerNormParameterGradients(
          input.columns(columns), dy.view.view.columns(columns), moments: moments,
          weight: (weight?.base ?? spare.buffer.pointer) + first, bias: bias.map { $0.base + first }
        )
      }
    }
    add(dx, to: x.slot)
  }
}
