import Kernels

/// Attention of each sequence to itself, and between the sequences of sets.
extension Tape {
  package func attention(
    _ qkv: Recorded, heads: Int, _ batch: PackedBatch, _ options: AttentionOptions
  ) -> Recorded {
    precondition(!options.onlyFirstQueries, "a tape derives by all queries")
    precondition(
      options.reach == nil || !batch.hidesTokens, "a query might be left without any key")
    precondition(
      batch.sets.isEmpty || !options.knowsDistances && options.keyHeads ?? heads == heads,
      "distances or shared keys between sequences")
    let layout = HeadLayout(
      columns: qkv.value.columns, heads: heads, keyHeads: options.keyHeads)
    let call = AttentionCall(
      batch: batch, layout: layout,
      scale: options.scale ?? 1 / Float(layout.headWidth).squareRoot(), reach: options.reach,
      ahead: options.ahead,
      relative: options.relative.map { RelativeTable($0, radius: max(batch.longest, 1)) },
      sets: batch.sets.isEmpty ? nil : SetKeys(batch),
      masks: nextMasks(options.dropout, batch))
    let out = matrix(batch.tokens, layout.width)
    let states = keyValues(call, qkv.value)
    forEach(batch.sequences) { [kernels, scratch] sequence, worker in
      let rows = batch.range(sequence)
      let keys = states.view.view[call.keyRows(sequence), states.keys]
      let needed = kernels.attentionScratchCount(
        queries: rows.count, keys: keys.rows, headWidth: layout.headWidth, reach: call.reach)
      call.withMask(sequence) { mask in
        scratch.with(worker) { scratch in
          kernels.attention(
            queries: qkv.value.view.view[rows, 0..<layout.width], keys: keys,
            values: states.view.view[call.keyRows(sequence), states.values], heads: heads,
            scale: call.scale, mask: mask, dropout: call.masks?[sequence],
            into: out.view.rows(rows), scratch: scratch.take(needed))
        }
      }
    }
    let weights = [options.relative?.table].compactMap { $0 }
    return record(out, of: weights, qkv) { [unowned self] derivative in
      let dx = attentionAdjoint(call, qkv.value, options.relative, derivative)
      add(dx, to: qkv.slot)
    }
  }

  /// Place of keys and values: beside the queries, or gathered from other sequences.
  private struct KeyValues {
    let matrix: Matrix
    let keys: Range<Int>
    let values: Range<Int>
    var view: MutableMatrixView { matrix.view }
  }

  private func keyValues(_ call: AttentionCall, _ qkv: Matrix) -> KeyValues {
    let (layout, width) = (call.layout, call.layout.width)
    guard let sets = call.sets else {
      return KeyValues(matrix: qkv, keys: layout.keys, values: layout.values)
    }
    let gathered = matrix(call.gatheredRows, 2 * width)
    forEach(call.batch.sequences) { sequence, _ in
      var place = gathered.buffer.pointer + call.keyRows(sequence).lowerBound * 2 * width
      for row in sets.rows[sequence] {
        place.update(from: qkv.buffer.pointer + row * qkv.columns + width, count: 2 * width)
        place += 2 * width
      }
    }
    return KeyValues(matrix: gathered, keys: 0..<width, values: width..<2 * width)
  }

  private func attentionAdjoint(
    _ call: AttentionCall, _ qkv: Matrix, _ relative: RelativePositions?, _ dy: Matrix
  ) -> Matrix {
    let width = call.layout.width
    let states = keyValues(call, qkv)
    let dx = call.sets == nil ? matrix(qkv.rows, qkv.columns) : zeros(qkv.rows, qkv.columns)
    let byStates = call.sets == nil ? dx : matrix(states.matrix.rows, 2 * width)
    let byRelative =
      relative == nil
      ? nil : call.relative.map { zeros(call.batch.sequences * call.layout.heads, $0.columns) }
    forEach(call.batch.sequences) { [kernels, scratch] sequence, worker in
      let rows = call.batch.range(sequence)
      let keyRows = call.keyRows(sequence)
      let needed = kernels.attentionGradientScratchCount(
        queries: rows.count, keys: keyRows.count, headWidth: call.layout.headWidth,
        reach: call.reach)
      call.withMask(sequence) { mask in
        let gradient = AttentionGradient(
          queries: qkv.view.view[rows, 0..<width],
          keys: states.view.view[keyRows, states.keys],
          values: states.view.view[keyRows, states.values], heads: call.layout.heads,
          scale: call.scale,
          mask: mask, dropout: call.masks?[sequence], output: dy.view.view.rows(rows),
          byQueries: dx.view[rows, 0..<width], byKeys: byStates.view[keyRows, states.keys],
          byValues: byStates.view[keyRows, states.values],
          byRelative: byRelative?.view.rows(
            sequence * call.layout.heads..<(sequence + 1) * call.layout.heads))
        scratch.with(worker) { kernels.attentionGradient(gradient, scratch: $0.take(needed)) }
      }
    }
    if let sets = call.sets { scatter(byStates, sets, call, into: dx) }
    if let byRelative { addRelativeGradients(byRelative, relative, call) }
    return dx
  }

  /// Adds the derivatives by gathered keys and values to those of the rows that they came from, set
  /// by set and sequence by sequence.
  private func scatter(
    _ byStates: Matrix, _ sets: SetKeys, _ call: AttentionCall, into dx: Matrix
  ) {
    let width = call.layout.width
    forEach(call.batch.sets.count) { [kernels] index, _ in
      for sequence in call.batch.sets[index].sequences {
        for (i, row) in sets.rows[sequence].enumerated() {
          kernels.addScaled(
            byStates.row(call.keyRows(sequence).lowerBound + i), by: 1,
            to: UnsafeMutableBufferPointer(rebasing: dx.mutableRow(row)[width...]))
        }
      }
    }
  }

  private func addRelativeGradients(
    _ all: Matrix, _ positions: RelativePositions?, _ call: AttentionCall
  ) {
    let sums = zeros(call.layout.heads, all.columns)
    forEach(call.layout.heads) { [kernels] head, _ in
      for sequence in 0..<call.batch.sequences {
        kernels.addScaled(
          all.row(sequence * call.layout.heads + head), by: 1, to: sums.mutableRow(head))
      }
    }
    positions?.addGradients(sums.view.view)
  }

  // MARK: Positions

  package func rotate(
    _ qkv: Recorded, first columns: Int, _ angles: RotaryPositions, _ batch: PackedBatch
  ) -> Recorded {
    let out = matrix(qkv.value.rows, qkv.value.columns)
    let table = angles.table(batch)
    let turned = 0..<columns
    rotate(qkv.value, turned, table.sines, table, batch, into: out)
    return record(out, from: [qkv]) { [unowned self] derivative in
      // Turning back is the adjoint of turning.
      let dx = matrix(derivative.rows, derivative.columns)
      rotate(derivative, turned, table.oppositeSines, table, batch, into: dx)
      return [dx]
    }
  }

  private func rotate(
    _ x: Matrix, _ turned: Range<Int>, _ sines: MatrixView, _ table: RotaryTable,
    _ batch: PackedBatch, into y: Matrix
  ) {
    let others = turned.upperBound..<x.columns
    let places = table.rows(batch)
    forEach(batch.sequences) { [kernels] sequence, _ in
      let rows = batch.range(sequence)
      places.withUnsafeBufferPointer { places in
        kernels.rotate(
          x.view.view[rows, turned], cosines: table.cosines, sines: sines,
          positions: UnsafeBufferPointer(rebasing: places[rows]), into: y.view[rows, turned])
      }
      y.view[rows, others].copy(x.view.view[rows, others])
    }
  }

  // MARK: Drawn states

  /// Numbers that were drawn are constants, whatever their distribution came from, as in the
  /// reference: `torch.normal` passes no derivative on to mean and deviation.
  package func draw(_ x: Recorded, _ batch: PackedBatch, layer: Int) -> Recorded {
    let drawn = batch.sets.reduce(0) { $0 + $1.drawn }
    if drawn == 0 { return x }
    let out = matrix(x.value.rows + drawn, x.value.columns)
    out.view.rows(0..<x.value.rows).copy(x.value.view.view)
    batch.drawStates(into: out.view, layer: layer)
    let rows = x.value.rows
    return record(out, from: [x]) { [unowned self] derivative in
      let dx = matrix(rows, derivative.columns)
      dx.view.copy(derivative.view.view.rows(0..<rows))
      return [dx]
    }
  }
}

/// Batch and settings of an attention, which all of its sequences share.
private struct AttentionCall {
  let batch: PackedBatch
  let layout: HeadLayout
  let scale: Float
  let reach: Int?
  let ahead: Int?
  let relative: RelativeTable?
  let sets: SetKeys?
  let masks: [Dropout]?
  /// Row at which the gathered keys of each sequence begin.
  private let offsets: [Int]

  init(
    batch: PackedBatch, layout: HeadLayout, scale: Float, reach: Int?, ahead: Int?,
    relative: RelativeTable?, sets: SetKeys?, masks: [Dropout]?
  ) {
    self.batch = batch
    self.layout = layout
    self.scale = scale
    self.reach = reach
    self.ahead = ahead
    self.relative = relative
    self.sets = sets
    self.masks = masks
    offsets = sets?.rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) } ?? []
  }

  var gatheredRows: Int { offsets.last ?? 0 }

  /// Rows of a sequence's keys and values, wherever these are.
  func keyRows(_ sequence: Int) -> Range<Int> {
    sets == nil ? batch.range(sequence) : offsets[sequence]..<offsets[sequence + 1]
  }

  func withMask(_ sequence: Int, _ body: (AttentionMask) -> Void) {
    if let sets {
      sets.keep[sequence].withUnsafeBufferPointer { body(AttentionMask(keep: $0)) }
      return
    }
    batch.attended.withUnsafeBufferPointer { attended in
      let keep = UnsafeBufferPointer(rebasing: attended[batch.range(sequence)])
      body(
        AttentionMask(
          keep: batch.hidesTokens ? keep : nil, relative: relative?.view, reach: reach,
          ahead: ahead))
    }
  }
}
