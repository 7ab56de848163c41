internal import CKernels

/// A table of vectors and which of them a batch uses.
package struct EmbeddingLookup {
  /// table[V,D], contiguous rows.
  package let table: MatrixView
  /// ids[M], each in 0..<V.
  package let ids: UnsafeBufferPointer<Int32>

  /// Rows `ids` of `table`; the ids must be in range and the rows contiguous.
  package init(_ table: MatrixView, ids: UnsafeBufferPointer<Int32>) {
    precondition(table.stride == table.columns, "embedding tables have contiguous rows")
    for id in ids { precondition(id >= 0 && id < table.rows, "id \(id) of \(table.rows)") }
    self.table = table
    self.ids = ids
  }
}

extension Kernels {
  /// out[M,D] = (x[M,D] − mean) / √(variance + epsilon) · weight[D] + bias[D], row by row.
  ///
  /// The variance divides by D. Ba et al., arXiv:1607.06450.
  ///
  /// - Parameters:
  ///   - x: x[M,D].
  ///   - weight: weight[D].
  ///   - bias: bias[D]; zero where it is nil.
  ///   - epsilon: As the model has it.
  ///   - out: out[M,D]; may be `x`.
  package func layerNorm(
    _ x: MatrixView, weight: UnsafePointer<Float>, bias: UnsafePointer<Float>?, epsilon: Float,
    into out: MutableMatrixView
  ) {
    requireSameShape(x, out.view, "layerNorm")
    var call = ck_layernorm_f32()
    call.rows = x.rows
    call.width = x.columns
    call.x = x.base
    call.ldx = x.stride
    call.gamma = weight
    call.beta = bias
    call.epsilon = epsilon
    call.out = out.base
    call.ldo = out.stride
    table.pointee.layernorm_f32(&call)
  }

  /// out[M,D] = x[M,D] / √(mean of x² + epsilon) · weight[D], row by row; `out` may be `x`.
  ///
  /// Zhang and Sennrich, arXiv:1910.07467.
  package func rmsNorm(
    _ x: MatrixView, weight: UnsafePointer<Float>, epsilon: Float, into out: MutableMatrixView
  ) {
    requireSameShape(x, out.view, "rmsNorm")
    table.pointee.rmsnorm_f32(
      x.rows, x.columns, x.base, x.stride, weight, epsilon, out.base, out.stride)
  }

  /// y[M,N] = act(x[M,0..<N]) · x[M,N..<2N], element by element; `y` is apart from `x`.
  ///
  /// Shazeer, arXiv:2002.05202.
  package func gate(_ x: MatrixView, _ activation: Activation, into y: MutableMatrixView) {
    precondition(
      x.rows == y.rows && x.columns == 2 * y.columns,
      "gate: \(x.rows) × \(x.columns) into \(y.rows) × \(y.columns)")
    table.pointee.gate_f32(
      activation.rawValue, x.rows, y.columns, x.base, x.stride, y.base, y.stride)
  }

  /// out[M,D] = (word[ids] + type[ids]) + position[ids]; all lookups have M ids and width D.
  package func embed(
    word: EmbeddingLookup, type: EmbeddingLookup? = nil, position: EmbeddingLookup? = nil,
    into out: MutableMatrixView
  ) {
    for lookup in [word, type, position].compactMap({ $0 }) {
      precondition(
        lookup.ids.count == out.rows && lookup.table.columns == out.columns,
        "embed: \(lookup.ids.count) × \(lookup.table.columns) into \(out.rows) × \(out.columns)")
    }
    var call = ck_embedding_f32()
    call.rows = out.rows
    call.width = out.columns
    call.word = word.table.base
    call.word_ids = word.ids.baseAddress
    call.type = type?.table.base
    call.type_ids = type?.ids.baseAddress
    call.position = position?.table.base
    call.position_ids = position?.ids.baseAddress
    call.out = out.base
    call.ldo = out.stride
    table.pointee.embedding_f32(&call)
  }

  /// out[M,N] = exp(x − max) / Σ exp(x − max), row by row; `out` may be `x`.
  package func softmaxRows(_ x: MatrixView, into out: MutableMatrixView) {
    requireSameShape(x, out.view, "softmaxRows")
    table.pointee.softmax_rows_f32(x.rows, x.columns, x.base, x.stride, out.base, out.stride)
  }

  /// out[M,N] = x / max(‖x‖₂, epsilon), row by row; `out` may be `x`.
  package func l2NormalizeRows(_ x: MatrixView, epsilon: Float, into out: MutableMatrixView) {
    requireSameShape(x, out.view, "l2NormalizeRows")
    table.pointee.l2_normalize_rows_f32(
      x.rows, x.columns, x.base, x.stride, epsilon, out.base, out.stride)
  }

  /// out[N] = Σ over M of x[M,N], in row order; M > 0.
  package func sumRows(_ x: MatrixView, into out: UnsafeMutablePointer<Float>) {
    reduce(CK_REDUCE_SUM, x, out)
  }

  /// out[N] = Σ over M of x[M,N] / M, in row order; M > 0.
  package func meanRows(_ x: MatrixView, into out: UnsafeMutablePointer<Float>) {
    reduce(CK_REDUCE_MEAN, x, out)
  }

  /// out[N] = max over M of x[M,N]; a NaN gives NaN; M > 0.
  package func maxRows(_ x: MatrixView, into out: UnsafeMutablePointer<Float>) {
    reduce(CK_REDUCE_MAX, x, out)
  }

  private func reduce(
    _ reduction: ck_reduction, _ x: MatrixView, _ out: UnsafeMutablePointer<Float>
  ) {
    precondition(x.rows > 0, "a reduction over no rows")
    table.pointee.reduce_rows_f32(
      Int32(reduction.rawValue), x.rows, x.columns, x.base, x.stride, out)
  }

  private func requireSameShape(_ x: MatrixView, _ y: MatrixView, _ name: String) {
    precondition(
      x.rows == y.rows && x.columns == y.columns,
      "\(name): \(x.rows) × \(x.columns) and \(y.rows) × \(y.columns)")
  }
}
