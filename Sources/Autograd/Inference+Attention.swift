import Kernels

extension Inference {
  package func rotate(_ qkv: Matrix, _ angles: RotaryPositions, _ batch: PackedBatch) -> Matrix {
    let width = qkv.columns / 3
    let out = matrix(qkv.rows, qkv.columns)
    let table = angles.table(batch)
    withExtendedLifetime(table) {
      batch.positions.withUnsafeBufferPointer { positions in
        kernels.rotate(
          qkv.view.view.columns(0..<2 * width), cosines: table.cosines, sines: table.sines,
          positions: positions, into: out.view.columns(0..<2 * width))
      }
    }
    for row in 0..<qkv.rows {
      let start = row * qkv.columns + 2 * width
      (out.buffer.pointer + start).update(from: qkv.buffer.pointer + start, count: width)
    }
    return out
  }

  package func attention(
    _ qkv: Matrix, heads: Int, _ batch: PackedBatch, _ options: AttentionOptions
  ) -> Matrix {
    let width = qkv.columns / 3
    let out = matrix(options.onlyFirstQueries ? batch.sequences : batch.tokens, width)
    let shape = AttentionShape(
      heads: heads, scale: options.scale ?? 1 / Float(width / heads).squareRoot(),
      relative: options.usesDistances ? table(options, heads, batch) : nil, reach: options.reach,
      precision: options.precision)
    guard batch.sets.isEmpty else {
      precondition(!options.onlyFirstQueries, "first queries of sets")
      attendInSets(qkv.view.view, shape, batch, into: out)
      return out
    }
    let all = qkv.view.view
    batch.attended.withUnsafeBufferPointer { attended in
      for sequence in 0..<batch.sequences {
        let rows = batch.range(sequence)
        let asking = options.onlyFirstQueries ? rows.prefix(1) : rows
        let place = options.onlyFirstQueries ? sequence..<sequence + 1 : rows
        attend(
          queries: all[asking, 0..<width], keys: all[rows, width..<2 * width],
          values: all[rows, 2 * width..<3 * width], shape,
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
    var precision = Precision.f32
  }

  private func attend(
    queries: MatrixView, keys: MatrixView, values: MatrixView, _ shape: AttentionShape,
    keep: UnsafeBufferPointer<UInt8>?, into out: MutableMatrixView
  ) {
    let needed = kernels.attentionScratchCount(
      queries: queries.rows, keys: keys.rows, headWidth: queries.columns / shape.heads,
      reach: shape.reach, precision: shape.precision)
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
    kernels.attention(
      queries: queries, keys: keys, values: values, heads: shape.heads, scale: shape.scale,
      mask: AttentionMask(keep: keep, relative: shape.relative?.view, reach: shape.reach),
      precision: shape.precision, into: out, scratch: scratch)
  }

  // MARK: Distances

  /// Table of the numbers that are added to scores, for at least the distances within the batch's
  /// sequences.
  private func table(
    _ options: AttentionOptions, _ heads: Int, _ batch: PackedBatch
  ) -> RelativeTable {
    let longest = batch.longest
    let key = RelativeTableKey(
      parameter: options.relative.map { ObjectIdentifier($0.table) }, heads: heads,
      isCausal: options.isCausal)
    if let known = relativeTables[key], known.radius >= longest { return known }
    // Some more than asked for: batches grow and shrink.
    let table = RelativeTable(options, heads: heads, radius: max(64, longest + longest / 4))
    relativeTables[key] = table
    return table
  }

  // MARK: Sets

  private func attendInSets(
    _ all: MatrixView, _ shape: AttentionShape, _ batch: PackedBatch, into out: Matrix
  ) {
    precondition(shape.reach == nil && shape.relative == nil, "distances between sequences")
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
