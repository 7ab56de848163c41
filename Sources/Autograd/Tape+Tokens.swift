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
    return record(out, of: tables.map(\.0)) { [unowned self] derivative in
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

  // MARK: Dropout

  package func dropout(_ x: Recorded, rate: Float, _ batch: PackedBatch) -> Recorded {
    guard let masks = nextMasks(rate, batch) else { return x }
    return dropout(x, tokenMasks(masks, batch))
  }

  /// Elements dropped by masks of rows that together are all rows.
  func dropout(_ x: Recorded, _ masks: [RowMask]) -> Recorded {
    let out = matrix(x.value.rows, x.value.columns)
    drop(masks, x.value, into: out)
    return record(out, x.slot != nil) { [unowned self] derivative in
      drop(masks, derivative, into: derivative)
      add(derivative, to: x.slot)
    }
  }

  /// Masks for the tokens of each sequence.
  func tokenMasks(_ masks: [Dropout], _ batch: PackedBatch) -> [RowMask] {
    masks.indices.map { RowMask(rows: batch.range($0), mask: masks[$0]) }
  }

  /// Drops elements; `y` may be `x`.
  func drop(_ masks: [RowMask], _ x: Matrix, into y: Matrix) {
    let rows = masks.reduce(0) { $0 + $1.rows.count }
    precondition(x.rows == rows, "dropout: \(x.rows) rows, masks for \(rows)")
    forEach(masks.count) { [kernels] index, _ in
      let rows = masks[index].rows
      let range = rows.lowerBound * x.columns..<rows.upperBound * x.columns
      kernels.applyDropout(
        masks[index].mask, to: UnsafeBufferPointer(rebasing: x.elements[range]),
        into: UnsafeMutableBufferPointer(rebasing: y.elements[range]))
    }
  }
}
