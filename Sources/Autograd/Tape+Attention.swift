import Kernels

/// Attention. What has no adjoint yet is not recorded: models with it are refused before a tape
/// sees them.
extension Tape {
  package func attention(
    _ qkv: Recorded, heads: Int, _ batch: PackedBatch, _ options: AttentionOptions
  ) -> Recorded {
    precondition(batch.sets.isEmpty, "attention between sequences has no adjoint")
    precondition(options.relative == nil, "attention with learned distances has no adjoint")
    precondition(
      options.reach == nil || !batch.hidesTokens, "a query might be left without any key")
    let width = qkv.value.columns / 3
    let call = AttentionCall(
      batch: batch, heads: heads, width: width,
      scale: options.scale ?? 1 / Float(width / heads).squareRoot(), reach: options.reach,
      masks: nextMasks(options.dropout, batch))
    let out = matrix(batch.tokens, width)
    let all = qkv.value.view.view
    forEach(batch.sequences) { [kernels, scratch] sequence, worker in
      let rows = batch.range(sequence)
      let needed = kernels.attentionScratchCount(
        queries: rows.count, keys: rows.count, headWidth: width / heads, reach: call.reach)
      call.withMask(sequence) { mask in
        scratch.with(worker) { scratch in
          kernels.attention(
            queries: all[rows, call.parts[0]], keys: all[rows, call.parts[1]],
            values: all[rows, call.parts[2]], heads: heads, scale: call.scale, mask: mask,
            dropout: call.masks?[sequence], into: out.view.rows(rows),
            scratch: scratch.take(needed))
        }
      }
    }
    return record(out, qkv.slot != nil) { [unowned self] derivative in
      add(attentionAdjoint(call, qkv.value, derivative), to: qkv.slot)
    }
  }

  private func attentionAdjoint(_ call: AttentionCall, _ qkv: Matrix, _ dy: Matrix) -> Matrix {
    let dx = matrix(qkv.rows, qkv.columns)
    forEach(call.batch.sequences) { [kernels, scratch] sequence, worker in
      let rows = call.batch.range(sequence)
      let needed = kernels.attentionGradientScratchCount(
        queries: rows.count, keys: rows.count, headWidth: call.width / call.heads,
        reach: call.reach)
      call.withMask(sequence) { mask in
        let gradient = AttentionGradient(
          queries: qkv.view.view[rows, call.parts[0]], keys: qkv.view.view[rows, call.parts[1]],
          values: qkv.view.view[rows, call.parts[2]], heads: call.heads, scale: call.scale,
          mask: mask, dropout: call.masks?[sequence], output: dy.view.view.rows(rows),
          byQueries: dx.view[rows, call.parts[0]], byKeys: dx.view[rows, call.parts[1]],
          byValues: dx.view[rows, call.parts[2]])
        scratch.with(worker) { kernels.attentionGradient(gradient, scratch: $0.take(needed)) }
      }
    }
    return dx
  }

  // MARK: Positions

  package func rotate(
    _ qkv: Recorded, _ angles: RotaryPositions, _ batch: PackedBatch
  ) -> Recorded {
    let out = matrix(qkv.value.rows, qkv.value.columns)
    rotate(qkv.value, angles.sines, angles, batch, into: out)
    return record(out, from: [qkv]) { [unowned self] derivative in
      // Turning back is the adjoint of turning.
      let opposite = matrix(angles.sines.rows, angles.sines.columns)
      kernels.scale(
        UnsafeBufferPointer(start: angles.sines.base, count: opposite.elements.count), by: -1,
        into: opposite.elements)
      let dx = matrix(derivative.rows, derivative.columns)
      rotate(derivative, opposite.view.view, angles, batch, into: dx)
      return [dx]
    }
  }

  private func rotate(
    _ x: Matrix, _ sines: MatrixView, _ angles: RotaryPositions, _ batch: PackedBatch,
    into y: Matrix
  ) {
    let width = x.columns / 3
    forEach(batch.sequences) { [kernels] sequence, _ in
      let rows = batch.range(sequence)
      batch.positions.withUnsafeBufferPointer { positions in
        kernels.rotate(
          x.view.view[rows, 0..<2 * width], cosines: angles.cosines, sines: sines,
          positions: UnsafeBufferPointer(rebasing: positions[rows]),
          into: y.view[rows, 0..<2 * width])
      }
      y.view[rows, 2 * width..<3 * width].copy(x.view.view[rows, 2 * width..<3 * width])
    }
  }

  // MARK: Without adjoints

  package func draw(_ x: Recorded, _ batch: PackedBatch, layer: Int) -> Recorded {
    precondition(batch.sets.isEmpty, "drawn states have no adjoint")
    return x
  }

  package func crossAttention(
    _ queries: Recorded, over hidden: Recorded, _ projections: CrossProjections,
    _ batch: PackedBatch
  ) -> Recorded {
    preconditionFailure("cross attention has no adjoint")
  }

  package func rmsNorm(_ x: Recorded, _ norm: RMSNorm) -> Recorded {
    preconditionFailure("root-mean-square normalisation has no adjoint")
  }
}

/// What the attention of all sequences of a batch has in common.
private struct AttentionCall {
  let batch: PackedBatch
  let heads: Int
  let width: Int
  let scale: Float
  let reach: Int?
  let masks: [Dropout]?

  /// Columns of queries, keys and values.
  var parts: [Range<Int>] { [0..<width, width..<2 * width, 2 * width..<3 * width] }

  func withMask(_ sequence: Int, _ body: (AttentionMask) -> Void) {
    batch.attended.withUnsafeBufferPointer { attended in
      let keep = UnsafeBufferPointer(rebasing: attended[batch.range(sequence)])
      body(AttentionMask(keep: batch.hidesTokens ? keep : nil, reach: reach))
    }
  }
}
