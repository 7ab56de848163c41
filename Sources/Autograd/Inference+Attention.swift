import Kernels

/// What relative positions add, for distances up to `radius`.
struct RelativeTable {
  /// Keeps the parameter alive, whose identity is the key of the cache.
  let parameter: Parameter
  let radius: Int
  /// values[H,2R+1].
  let values: AlignedBuffer
  let heads: Int

  var view: MatrixView { values.matrix(rows: heads, columns: 2 * radius + 1).view }
}

extension Inference {
  package func rotate(
    _ qkv: Matrix, heads: Int, _ angles: RotaryPositions, _ batch: PackedBatch
  ) -> Matrix {
    let width = qkv.columns / 3
    let out = matrix(qkv.rows, qkv.columns)
    batch.positions.withUnsafeBufferPointer { positions in
      kernels.rotate(
        qkv.view.view.columns(0..<2 * width), cosines: angles.cosines, sines: angles.sines,
        positions: positions, into: out.view.columns(0..<2 * width))
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
    let out = matrix(batch.tokens, width)
    if let reach = options.reach, !batch.groups.isEmpty {
      preconditionFailure("groups with a reach of \(reach)")
    }
    let longest = (0..<batch.sequences).map { batch.range($0).count }.max() ?? 0
    let relative = options.relative.map { table($0, radius: longest) }
    for sequence in 0..<batch.sequences {
      let rows = batch.range(sequence)
      let all = qkv.view.view
      let others = batch.groups.first { $0.sequences.contains(sequence) }
        .map { Self.sharedRows($0, sequence, batch) }
      // Keys and values of other sequences stand behind the sequence's own.
      let gathered = others.map { gather(qkv, Array(rows) + $0, columns: width..<3 * width) }
      attend(
        AttentionInput(
          queries: all[rows, 0..<width],
          keys: gathered?.view.view.columns(0..<width) ?? all[rows, width..<2 * width],
          values: gathered?.view.view.columns(width..<2 * width)
            ?? all[rows, 2 * width..<3 * width],
          heads: heads, scale: options.scale ?? 1 / Float(width / heads).squareRoot(),
          reach: options.reach),
        attended: batch.attended.map { $0[rows] }, relative: relative, into: out.view.rows(rows))
      withExtendedLifetime(gathered) {}
    }
    return out
  }

  /// Rows of `qkv` that a sequence of a group attends to besides its own.
  private static func sharedRows(
    _ group: SequenceGroup, _ sequence: Int, _ batch: PackedBatch
  ) -> [Int] {
    group.sequences.filter { $0 != sequence }.map { batch.offsets[$0] + group.token }
      + Array(group.additionalRows)
  }

  private func gather(_ x: Matrix, _ rows: [Int], columns: Range<Int>) -> Matrix {
    let out = matrix(rows.count, columns.count)
    for (target, row) in rows.enumerated() {
      precondition(row < x.rows, "row \(row) of \(x.rows)")
      (out.buffer.pointer + target * columns.count).update(
        from: x.buffer.pointer + row * x.columns + columns.lowerBound, count: columns.count)
    }
    return out
  }

  private struct AttentionInput {
    var queries: MatrixView
    var keys: MatrixView
    var values: MatrixView
    var heads: Int
    var scale: Float
    var reach: Int?
  }

  private func attend(
    _ input: AttentionInput, attended: ArraySlice<UInt8>? = nil, relative: RelativeTable? = nil,
    into out: MutableMatrixView
  ) {
    let needed = kernels.attentionScratchCount(
      queries: input.queries.rows, keys: input.keys.rows,
      headWidth: input.queries.columns / input.heads, reach: input.reach)
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
    let run = { (keep: UnsafeBufferPointer<UInt8>?) in
      self.kernels.attention(
        queries: input.queries, keys: input.keys, values: input.values, heads: input.heads,
        scale: input.scale,
        mask: AttentionMask(keep: keep, relative: relative?.view, reach: input.reach), into: out,
        scratch: self.scratch)
    }
    guard let attended else { return run(nil) }
    // Rows of other sequences are attended to.
    let mask = Array(attended) + Array(repeating: 1, count: input.keys.rows - attended.count)
    mask.withUnsafeBufferPointer { run($0) }
  }

  /// What `positions` adds, for the longest sequence so far.
  private func table(_ positions: RelativePositions, radius: Int) -> RelativeTable {
    let key = ObjectIdentifier(positions.table)
    if let known = relativeTables[key], known.radius >= radius { return known }
    // Some more than asked for: batches grow and shrink.
    let radius = max(64, radius + radius / 4)
    let values = positions.expanded(radius: radius)
    let buffer = AlignedBuffer(count: values.count)
    values.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      buffer.pointer.update(from: base, count: source.count)
    }
    let table = RelativeTable(
      parameter: positions.table, radius: radius, values: buffer, heads: positions.heads)
    relativeTables[key] = table
    return table
  }

  package func crossAttention(
    _ queries: Matrix, over hidden: Matrix, _ projections: CrossProjections, _ batch: PackedBatch
  ) -> Matrix {
    let heads = projections.heads
    let headWidth = queries.columns / heads
    let width = hidden.columns
    // folded[B,H·D]: the query of each head, against hidden states.
    let folded = matrix(queries.rows, heads * width)
    for (head, weights) in projections.folded.enumerated() {
      kernels.multiply(
        queries.view.view.columns(head * headWidth..<(head + 1) * headWidth), weights.key,
        into: folded.view.columns(head * width..<(head + 1) * width))
    }
    // Heads are queries of one wide head here: context[B,H·D].
    let context = matrix(queries.rows, heads * width)
    for sequence in 0..<batch.sequences {
      let rows = batch.range(sequence)
      let states = hidden.view.view.rows(rows)
      let start = sequence * heads * width
      attend(
        AttentionInput(
          queries: MatrixView(folded.buffer.pointer + start, rows: heads, columns: width),
          keys: states, values: states, heads: 1, scale: projections.scale, reach: nil),
        attended: batch.attended.map { $0[rows] },
        into: MutableMatrixView(context.buffer.pointer + start, rows: heads, columns: width))
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
