import Kernels

extension Inference {
  package func rotate(
    _ qkv: Matrix, first columns: Int, _ angles: RotaryPositions, _ batch: PackedBatch
  ) -> Matrix {
    let out = matrix(qkv.rows, qkv.columns)
    let table = angles.table(batch)
    withExtendedLifetime(table) {
      table.rows(batch).withUnsafeBufferPointer { rows in
        kernels.rotate(
          qkv.view.view.columns(0..<columns), cosines: table.cosines, sines: table.sines,
          positions: rows, into: out.view.columns(0..<columns))
      }
    }
    out.view.columns(columns..<qkv.columns).copy(qkv.view.view.columns(columns..<qkv.columns))
    return out
  }

  package func normalizeHeads(_ qkv: Matrix, _ norms: HeadNorms) -> Matrix {
    let layout = HeadLayout(
      columns: qkv.columns, heads: norms.heads, keyHeads: norms.keyHeads)
    let out = matrix(qkv.rows, qkv.columns)
    for head in 0..<norms.count {
      guard let norm = norms.norm(head) else { continue }
      let columns = layout.head(head)
      norm.withFactors {
        kernels.rmsNorm(
          qkv.view.view.columns(columns), weight: $0, epsilon: norm.epsilon,
          into: out.view.columns(columns))
      }
    }
    if norms.values == nil {
      out.view.columns(layout.values).copy(qkv.view.view.columns(layout.values))
    }
    return out
  }

  package func attention(
    _ qkv: Matrix, heads: Int, _ batch: PackedBatch, _ options: AttentionOptions
  ) -> Matrix {
    let layout = HeadLayout(columns: qkv.columns, heads: heads, keyHeads: options.keyHeads)
    let out = matrix(options.onlyFirstQueries ? batch.sequences : batch.tokens, layout.width)
    let shape = AttentionShape(
      heads: heads, scale: options.scale ?? 1 / Float(layout.headWidth).squareRoot(),
      relative: options.relative.map { table($0, batch) }, reach: options.reach,
      ahead: options.ahead, precision: options.precision)
    guard batch.sets.isEmpty else {
      precondition(
        !options.onlyFirstQueries && !options.knowsDistances && layout.keyHeads == heads,
        "first queries, distances or shared keys of sets")
      attendInSets(qkv.view.view, shape, batch, into: out)
      return out
    }
    let all = qkv.view.view
    batch.attended.withUnsafeBufferPointer { attended in
      for sequence in 0..<batch.sequences {
        let rows = batch.range(sequence)
        let asking = options.onlyFirstQueries ? rows.prefix(1) : rows
        let place = options.onlyFirstQueries ? sequence..<sequence + 1 : rows
        let keysAndValues = layout.keys.lowerBound..<layout.values.upperBound
        switch (batch.prefix(sequence), options.layer) {
        case (.behind(let prefix), let layer?):
          let joined = joined(all[rows, keysAndValues], behind: prefix, layer: layer)
          attend(
            queries: all[asking, 0..<layout.width],
            keys: joined.view.view.columns(0..<layout.keyWidth),
            values: joined.view.view.columns(layout.keyWidth..<2 * layout.keyWidth), shape,
            keep: nil, first: prefix.tokens, into: out.view.rows(place))
          continue
        case (.keeping(let prefix), let layer?):
          prefix.keep(all[rows, keysAndValues], layer: layer)
        case (.none, _): break
        case (_, nil): preconditionFailure("a prefix where no attention has a number")
        }
        attend(
          queries: all[asking, 0..<layout.width], keys: all[rows, layout.keys],
          values: all[rows, layout.values], shape,
          keep: batch.hidesTokens ? UnsafeBufferPointer(rebasing: attended[rows]) : nil,
          into: out.view.rows(place))
      }
    }
    return out
  }

  /// Settings of an attention that all sequences of a batch share.
  private struct AttentionShape {
    var heads: Int
    var scale: Float
    var relative: RelativeTable?
    var reach: Int?
    var ahead: Int?
    var precision = Precision.f32
  }

  private func attend(
    queries: MatrixView, keys: MatrixView, values: MatrixView, _ shape: AttentionShape,
    keep: UnsafeBufferPointer<UInt8>?, first: Int = 0, into out: MutableMatrixView
  ) {
    let needed = kernels.attentionScratchCount(
      queries: queries.rows, keys: keys.rows, headWidth: queries.columns / shape.heads,
      reach: shape.reach, precision: shape.precision)
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
    kernels.attention(
      queries: queries, keys: keys, values: values, heads: shape.heads, scale: shape.scale,
      mask: AttentionMask(
        keep: keep, relative: shape.relative?.view, first: first, reach: shape.reach,
        ahead: shape.ahead),
      precision: shape.precision, into: out, scratch: scratch)
  }

  // MARK: Distances

  /// Table of the numbers that are added to scores, for at least the distances within the batch's
  /// sequences.
  private func table(_ positions: RelativePositions, _ batch: PackedBatch) -> RelativeTable {
    let longest = batch.longest
    let key = ObjectIdentifier(positions.table)
    if let known = relativeTables[key], known.radius >= longest { return known }
    // Some more than asked for: batches grow and shrink.
    let table = RelativeTable(positions, radius: max(64, longest + longest / 4))
    relativeTables[key] = table
    return table
  }

  // MARK: Sets

  private func attendInSets(
    _ all: MatrixView, _ shape: AttentionShape, _ batch: PackedBatch, into out: Matrix
  ) {
    let width = all.columns / 3
    let keys = SetKeys(batch)
    for sequence in 0..<batch.sequences {
      let rows = batch.range(sequence)
      let gathered = matrix(keys.rows[sequence].count, 2 * width)
      for (i, row) in keys.rows[sequence].enumerated() {
        (gathered.buffer.pointer + i * 2 * width).update(
          from: all.base + row * all.stride + width, count: 2 * width)
      }
      keys.keep[sequence].withUnsafeBufferPointer { keep in
        let view = gathered.view.view
        attend(
          queries: all[rows, 0..<width], keys: view.columns(0..<width),
          values: view.columns(width..<2 * width), shape, keep: keep, into: out.view.rows(rows))
      }
    }
  }

  package func draw(_ x: Matrix, _ batch: PackedBatch, layer: Int) -> Matrix {
    let drawn = batch.sets.reduce(0) { $0 + $1.drawn }
    if drawn == 0 { return x }
    let out = matrix(x.rows + drawn, x.columns)
    out.buffer.pointer.update(from: x.buffer.pointer, count: x.rows * x.columns)
    batch.drawStates(into: out.view, layer: layer)
    return out
  }

  // MARK: Cross attention

  package func crossAttention(
    _ queries: Matrix, over hidden: Matrix, _ projections: CrossProjections, _ batch: PackedBatch,
    dropout: Float
  ) -> Matrix {
    let heads = projections.heads
    let headWidth = queries.columns / heads
    let width = hidden.columns
    // folded[B,H·D]: the query of each head, to be compared with hidden states.
    let folded = matrix(queries.rows, heads * width)
    for (head, weights) in projections.folded.enumerated() {
      kernels.multiply(
        queries.view.view.columns(head * headWidth..<(head + 1) * headWidth), weights.key,
        into: folded.view.columns(head * width..<(head + 1) * width))
    }
    // The heads of a sequence are the queries of one wide head: context[B,H·D].
    let context = matrix(queries.rows, heads * width)
    let shape = AttentionShape(heads: 1, scale: projections.scale, relative: nil, reach: nil)
    batch.attended.withUnsafeBufferPointer { attended in
      for sequence in 0..<batch.sequences {
        let rows = batch.range(sequence)
        let states = hidden.view.view.rows(rows)
        let start = sequence * heads * width
        attend(
          queries: MatrixView(folded.buffer.pointer + start, rows: heads, columns: width),
          keys: states, values: states, shape,
          keep: batch.hidesTokens ? UnsafeBufferPointer(rebasing: attended[rows]) : nil,
          into: MutableMatrixView(context.buffer.pointer + start, rows: heads, columns: width))
      }
    }
    let out = matrix(queries.rows, queries.columns)
    for (head, weights) in projections.folded.enumerated() {
      kernels.multiply(
        context.view.view.columns(head * width..<(head + 1) * width), weights.value,
        into: out.view.columns(head * headWidth..<(head + 1) * headWidth))
    }
    return out
  }
}
