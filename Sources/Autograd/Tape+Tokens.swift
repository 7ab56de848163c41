import Kernels

/// Operations on the tokens of a batch.
extension Tape {
  /// Rows that one thread takes at a time.
  private static let blockRows = 64
  /// Columns that one thread takes where rows are summed.
  private static let blockColumns = 64

  // MARK: Embeddings

  package func embed(
    _ batch: PackedBatch, word: Parameter, type: Parameter?, positions table: PositionTable?
  ) -> Recorded {
    let out = matrix(batch.tokens, word.matrix.columns)
    let (position, positions) = (table?.table, table?.indices ?? [])
    let tables = [(word, batch.ids), (type, batch.typeIDs), (position, positions)]
      .compactMap { table, ids in table.map { ($0, ids) } }
    forRanges(batch.tokens, by: Self.blockRows) { [kernels] rows, _ in
      func lookup(_ table: Parameter?, _ ids: [Int32]) -> EmbeddingLookup? {
        table.map { table in
          ids.withUnsafeBufferPointer {
            EmbeddingLookup(table.matrix, ids: UnsafeBufferPointer(rebasing: $0[rows]))
          }
        }
      }
      guard let word = lookup(word, batch.ids) else { return }
      withExtendedLifetime((batch, positions)) {
        kernels.embed(
          word: word, type: lookup(type, batch.typeIDs), position: lookup(position, positions),
          into: out.view.rows(rows))
      }
    }
    return record(out, tables.contains { $0.0.gradient != nil }) { [unowned self] derivative in
      for (table, ids) in tables { addRows(derivative, to: table, ids) }
    }
  }

  /// table[ids[t]] += dy[t], token by token.
  private func addRows(_ dy: Matrix, to table: Parameter, _ ids: [Int32]) {
    guard let gradient = table.gradientToAddTo() else { return }
    forRanges(dy.columns, by: Self.blockColumns) { [kernels] columns, _ in
      for (token, id) in ids.enumerated() {
        kernels.addScaled(
          UnsafeBufferPointer(rebasing: dy.row(token)[columns]), by: 1,
          to: UnsafeMutableBufferPointer(
            start: gradient.base + Int(id) * gradient.stride + columns.lowerBound,
            count: columns.count))
      }
    }
  }

  // MARK: Normalisation

  package func layerNorm(_ x: Recorded, _ norm: LayerNorm) -> Recorded {
    let input = x.value
    let out = matrix(input.rows, input.columns)
    forRanges(input.rows, by: Self.blockRows) { [kernels] rows, _ in
      kernels.layerNorm(
        input.view.view.rows(rows), weight: norm.weight.values, bias: norm.bias?.values,
        epsilon: norm.epsilon, into: out.view.rows(rows))
    }
    let isTrained =
      x.slot != nil || norm.weight.gradient != nil || norm.bias?.gradient != nil
    return record(out, isTrained) { [unowned self] derivative in
      layerNormAdjoint(x, norm, derivative)
    }
  }

  private func layerNormAdjoint(_ x: Recorded, _ norm: LayerNorm, _ dy: Matrix) {
    let input = x.value.view.view
    let dx = matrix(input.rows, input.columns)
    let memory = matrix(2, input.rows)
    let moments = RowMoments(memory.buffer.pointer, rows: input.rows)
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

  // MARK: Dropout

  package func dropout(_ x: Recorded, rate: Float, _ batch: PackedBatch) -> Recorded {
    guard let masks = nextMasks(rate, batch) else { return x }
    let out = matrix(x.value.rows, x.value.columns)
    drop(masks, batch, x.value, into: out)
    return record(out, x.slot != nil) { [unowned self] derivative in
      drop(masks, batch, derivative, into: derivative)
      add(derivative, to: x.slot)
    }
  }

  /// Drops elements of the tokens of each sequence; `y` may be `x`.
  func drop(_ masks: [Dropout], _ batch: PackedBatch, _ x: Matrix, into y: Matrix) {
    precondition(x.rows == batch.tokens, "dropout: \(x.rows) rows of \(batch.tokens) tokens")
    forEach(batch.sequences) { [kernels] sequence, _ in
      let rows = batch.range(sequence)
      let range = rows.lowerBound * x.columns..<rows.upperBound * x.columns
      kernels.applyDropout(
        masks[sequence], to: UnsafeBufferPointer(rebasing: x.elements[range]),
        into: UnsafeMutableBufferPointer(rebasing: y.elements[range]))
    }
  }
}
