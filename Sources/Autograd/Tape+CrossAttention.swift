import Kernels

/// Attention of one query a sequence.
extension Tape {
  package func crossAttention(
    _ queries: Recorded, over hidden: Recorded, _ projections: CrossProjections,
    _ batch: PackedBatch, dropout: Float
  ) -> Recorded {
    let folded = perHead(queries, projections.key, projections.heads, isFolding: true)
    let context = attend(folded, hidden, projections, batch, nextMasks(dropout, batch))
    return perHead(context, projections.value, projections.heads, isFolding: false)
  }

  /// x[B,H·E] · W = [B,H·D], or x[B,H·D] · Wᵀ = [B,H·E], head by head; head h has the rows
  /// h·E..<(h+1)·E of W[H·E,D].
  private func perHead(
    _ x: Recorded, _ w: Parameter, _ heads: Int, isFolding: Bool
  ) -> Recorded {
    let out = perHead(x.value, w, heads, isFolding: isFolding)
    return record(out, of: [w], x) { [unowned self] derivative in
      if let gradient = w.gradientToAddTo() {
        let (left, right) = isFolding ? (x.value, derivative) : (derivative, x.value)
        addPerHead(left, right, heads, to: gradient)
      }
      if x.slot != nil { add(perHead(derivative, w, heads, isFolding: !isFolding), to: x.slot) }
    }
  }

  private func perHead(_ x: Matrix, _ w: Parameter, _ heads: Int, isFolding: Bool) -> Matrix {
    let (width, headWidth) = (w.matrix.columns, w.matrix.rows / heads)
    let (inputs, outputs) = isFolding ? (headWidth, width) : (width, headWidth)
    let out = matrix(x.rows, heads * outputs)
    forEach(heads) { [kernels] head, _ in
      let values = w.values + head * headWidth * width
      let packed = PackedMatrix(
        values, rows: outputs, columns: inputs, rowStride: isFolding ? 1 : width,
        columnStride: isFolding ? width : 1, kernels: kernels)
      kernels.multiply(
        x.view.view.columns(head * inputs..<(head + 1) * inputs), packed,
        into: out.view.columns(head * outputs..<(head + 1) * outputs))
    }
    return out
  }

  /// dW += leftᵀ · right of every head: left[B,H·E], right[B,H·D].
  private func addPerHead(
    _ left: Matrix, _ right: Matrix, _ heads: Int, to gradient: MutableMatrixView
  ) {
    let (width, headWidth) = (gradient.columns, gradient.rows / heads)
    forEach(heads) { [kernels] head, _ in
      let memory = AlignedBuffer(count: headWidth * left.rows)
      defer { withExtendedLifetime(memory) {} }
      let turned = memory.matrix(rows: headWidth, columns: left.rows)
      kernels.transpose(
        left.view.view.columns(head * headWidth..<(head + 1) * headWidth), into: turned)
      let packed = PackedMatrix(
        UnsafePointer(right.buffer.pointer + head * width), rows: width, columns: right.rows,
        rowStride: 1, columnStride: right.columns, kernels: kernels)
      kernels.accumulate(
        turned.view, packed, into: gradient.rows(head * headWidth..<(head + 1) * headWidth))
    }
  }

  /// The heads of a sequence are the queries of one wide head, whose keys and values are hidden
  /// states: folded[B,H·D] and [T,D] to [B,H·D].
  private func attend(
    _ folded: Recorded, _ hidden: Recorded, _ projections: CrossProjections,
    _ batch: PackedBatch, _ masks: [Dropout]?
  ) -> Recorded {
    let (heads, width) = (projections.heads, hidden.value.columns)
    let out = matrix(folded.value.rows, heads * width)
    let scale = projections.scale
    forEach(batch.sequences) { [kernels, scratch] sequence, worker in
      let states = hidden.value.view.view.rows(batch.range(sequence))
      let needed = kernels.attentionScratchCount(
        queries: heads, keys: states.rows, headWidth: width)
      batch.withMask(sequence) { mask in
        scratch.with(worker) {
          kernels.attention(
            queries: folded.value.heads(sequence, heads).view, keys: states, values: states,
            heads: 1, scale: scale, mask: mask, dropout: masks?[sequence],
            into: out.heads(sequence, heads), scratch: $0.take(needed))
        }
      }
    }
    return record(out, folded.slot != nil || hidden.slot != nil) { [unowned self] derivative in
      let byFolded = matrix(folded.value.rows, heads * width)
      let (byKeys, byValues) = (
        matrix(hidden.value.rows, width), matrix(hidden.value.rows, width)
      )
      forEach(batch.sequences) { [kernels, scratch] sequence, worker in
        let rows = batch.range(sequence)
        let states = hidden.value.view.view.rows(rows)
        let needed = kernels.attentionGradientScratchCount(
          queries: heads, keys: rows.count, headWidth: width)
        batch.withMask(sequence) { mask in
          let gradient = AttentionGradient(
            queries: folded.value.heads(sequence, heads).view, keys: states, values: states,
            heads: 1, scale: scale, mask: mask, dropout: masks?[sequence],
            output: derivative.heads(sequence, heads).view,
            byQueries: byFolded.heads(sequence, heads), byKeys: byKeys.view.rows(rows),
            byValues: byValues.view.rows(rows))
          scratch.with(worker) { kernels.attentionGradient(gradient, scratch: $0.take(needed)) }
        }
      }
      add(byFolded, to: folded.slot)
      add(byKeys, to: hidden.slot)
      add(byValues, to: hidden.slot)
    }
  }
}

extension Matrix {
  /// Row `index` as one row a head.
  fileprivate func heads(_ index: Int, _ heads: Int) -> MutableMatrixView {
    MutableMatrixView(
      buffer.pointer + index * columns, rows: heads, columns: columns / heads)
  }
}

extension PackedBatch {
  /// Calls `body` with the mask of a sequence that attends to itself wherever it may.
  fileprivate func withMask(_ sequence: Int, _ body: (AttentionMask) -> Void) {
    attended.withUnsafeBufferPointer { attended in
      let keep = UnsafeBufferPointer(rebasing: attended[range(sequence)])
      body(AttentionMask(keep: hidesTokens ? keep : nil))
    }
  }
}
