import Kernels

/// Attention of one query a sequence.
extension Tape {
  package func crossAttention(
    _ queries: Recorded, over hidden: Recorded, _ projections: CrossProjections,
    _ batch: PackedBatch, dropout: Float
  ) -> Recorded {
    let (heads, scale) = (projections.heads, projections.scale)
    if let layers = projections.layers, layers.key.isUpdated || layers.value.isUpdated {
      // What is dropped of a token's state is so for keys and values apart: they cannot be folded.
      let (keys, values) = (linear(hidden, layers.key), linear(hidden, layers.value))
      return attend(
        Queries(queries, rows: 1, heads: heads), keys, values, scale, batch,
        nextMasks(dropout, batch))
    }
    let folded = perHead(queries, projections.key, heads, isFolding: true)
    // The heads of a sequence are the queries of one wide head.
    let context = attend(
      Queries(folded, rows: heads, heads: 1), hidden, hidden, scale, batch,
      nextMasks(dropout, batch))
    return perHead(context, projections.value, heads, isFolding: false)
  }

  /// One row a sequence, which are `rows` queries of several heads.
  private struct Queries {
    let recorded: Recorded
    let rows: Int
    let heads: Int

    init(_ recorded: Recorded, rows: Int, heads: Int) {
      (self.recorded, self.rows, self.heads) = (recorded, rows, heads)
    }

    var headWidth: Int { recorded.value.columns / rows / heads }

    func view(_ sequence: Int) -> MatrixView { recorded.value.heads(sequence, rows).view }
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

  /// Attention of each sequence's queries to its keys and values, in the shape of the queries.
  private func attend(
    _ queries: Queries, _ keys: Recorded, _ values: Recorded, _ scale: Float,
    _ batch: PackedBatch, _ masks: [Dropout]?
  ) -> Recorded {
    let (asked, rows, heads) = (queries.recorded, queries.rows, queries.heads)
    let out = matrix(asked.value.rows, asked.value.columns)
    forEach(batch.sequences) { [kernels, scratch] sequence, worker in
      let tokens = batch.range(sequence)
      let needed = kernels.attentionScratchCount(
        queries: rows, keys: tokens.count, headWidth: queries.headWidth)
      batch.withMask(sequence) { mask in
        scratch.with(worker) {
          kernels.attention(
            queries: queries.view(sequence), keys: keys.value.view.view.rows(tokens),
            values: values.value.view.view.rows(tokens), heads: heads, scale: scale, mask: mask,
            dropout: masks?[sequence], into: out.heads(sequence, rows),
            scratch: $0.take(needed))
        }
      }
    }
    let isTrained = [asked, keys, values].contains { $0.slot != nil }
    return record(out, isTrained) { [unowned self] derivative in
      let byQueries = matrix(asked.value.rows, asked.value.columns)
      let (byKeys, byValues) = (
        matrix(keys.value.rows, keys.value.columns),
        matrix(values.value.rows, values.value.columns)
      )
      forEach(batch.sequences) { [kernels, scratch] sequence, worker in
        let tokens = batch.range(sequence)
        let needed = kernels.attentionGradientScratchCount(
          queries: rows, keys: tokens.count, headWidth: queries.headWidth)
        batch.withMask(sequence) { mask in
          let gradient = AttentionGradient(
            queries: queries.view(sequence), keys: keys.value.view.view.rows(tokens),
            values: values.value.view.view.rows(tokens), heads: heads, scale: scale, mask: mask,
            dropout: masks?[sequence], output: derivative.heads(sequence, rows).view,
            byQueries: byQueries.heads(sequence, rows), byKeys: byKeys.view.rows(tokens),
            byValues: byValues.view.rows(tokens))
          scratch.with(worker) { kernels.attentionGradient(gradient, scratch: $0.take(needed)) }
        }
      }
      add(byQueries, to: asked.slot)
      add(byKeys, to: keys.slot)
      add(byValues, to: values.slot)
    }
  }
}

extension Matrix {
  /// Row `index` as several rows.
  fileprivate func heads(_ index: Int, _ rows: Int) -> MutableMatrixView {
    MutableMatrixView(buffer.pointer + index * columns, rows: rows, columns: columns / rows)
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
