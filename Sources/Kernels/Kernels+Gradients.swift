internal import CKernels

/// Attention of one sequence in the backward pass: what went in, and the derivative by what came
/// out.
///
/// Letters as in `Kernels.attention`.
package struct AttentionGradient {
  /// q[Q,H·E], k[L,G·E] and v[L,G·E] of the forward pass.
  package var queries, keys, values: MatrixView
  /// H.
  package var heads: Int
  package var scale: Float
  /// Which keys are attended to, some for every query, and what is added to their scores.
  package var mask: AttentionMask
  package var dropout: Dropout?
  /// The derivative by out[Q,H·E].
  package var output: MatrixView
  /// Derivatives by q, k and v, written here.
  package var byQueries, byKeys, byValues: MutableMatrixView
  /// Derivatives by what the mask adds, of its shape and added to; nil where nothing is wanted.
  package var byRelative: MutableMatrixView?

  package init(
    queries: MatrixView, keys: MatrixView, values: MatrixView, heads: Int, scale: Float,
    mask: AttentionMask = AttentionMask(), dropout: Dropout?, output: MatrixView,
    byQueries: MutableMatrixView, byKeys: MutableMatrixView, byValues: MutableMatrixView,
    byRelative: MutableMatrixView? = nil
  ) {
    (self.queries, self.keys, self.values) = (queries, keys, values)
    self.heads = heads
    self.scale = scale
    self.mask = mask
    self.dropout = dropout
    self.output = output
    (self.byQueries, self.byKeys, self.byValues) = (byQueries, byKeys, byValues)
    self.byRelative = byRelative
  }
}

/// Adjoints of the forward kernels, and what else only training needs. `dy` is the derivative of
/// the loss by the output, `dx` that by the input.
extension Kernels {
  /// c[M,N] += a[M,K] · W[N,K]ᵀ: each sum goes on from what is there, over K ascending.
  ///
  /// Parameters are those of `multiply(_:_:activation:columns:into:)`; W has no bias.
  package func accumulate(
    _ a: MatrixView, _ w: PackedMatrix, columns: Range<Int>? = nil, into c: MutableMatrixView
  ) {
    precondition(w.bias == nil, "accumulate: W has a bias")
    var call = product(a, w, columns, c)
    call.accumulate = 1
    run(&call, w)
  }

  /// y[N,M] = x[M,N]ᵀ; apart.
  package func transpose(_ x: MatrixView, into y: MutableMatrixView) {
    precondition(
      x.rows == y.columns && x.columns == y.rows,
      "transpose: \(x.rows) × \(x.columns) into \(y.rows) × \(y.columns)")
    table.pointee.transpose_f32(x.rows, x.columns, x.base, x.stride, y.base, y.stride)
  }

  /// sum[N] += x[M,N], row by row.
  package func addRows(_ x: MatrixView, to sum: UnsafeMutablePointer<Float>) {
    table.pointee.add_rows_f32(x.rows, x.columns, x.base, x.stride, sum)
  }

  /// out[N] = max over M of x[M,N], and the first row that has it; M > 0.
  ///
  /// A NaN is the maximum.
  package func argmaxRows(
    _ x: MatrixView, into out: UnsafeMutablePointer<Float>, _ rows: UnsafeMutablePointer<Int32>
  ) {
    precondition(x.rows > 0, "a maximum over no rows")
    table.pointee.argmax_rows_f32(x.rows, x.columns, x.base, x.stride, out, rows)
  }

  /// dx[N] = dy[N] · f′(x[N]); `dx` may be `dy`.
  package func applyGradient(
    of function: ElementaryFunction, at x: UnsafeBufferPointer<Float>,
    _ dy: UnsafeBufferPointer<Float>, into dx: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(
      x.count == dy.count && x.count == dx.count,
      "applyGradient: x \(x.count), dy \(dy.count), dx \(dx.count)")
    table.pointee.map_gradient_f32(
      function.rawValue, x.count, x.baseAddress, dy.baseAddress, dx.baseAddress)
  }

  /// The adjoint of `layerNorm` by x[M,D], or of `rmsNorm` where `moments` are without means.
  ///
  /// `moments` gets mean and factor of each row, [2M].
  package func layerNormGradient(
    _ x: MatrixView, weight: UnsafePointer<Float>, epsilon: Float, _ dy: MatrixView,
    into dx: MutableMatrixView, moments: RowMoments
  ) {
    var call = normCall(x, dy, moments)
    precondition(dx.rows == x.rows && dx.columns == x.columns, "layerNormGradient: shapes differ")
    call.gamma = weight
    call.epsilon = epsilon
    call.dx = dx.base
    call.lddx = dx.stride
    table.pointee.layernorm_gradient_f32(&call)
  }

  /// The adjoint of `layerNorm` by weight and bias, added to what is there, row by row, with the
  /// moments that `layerNormGradient` left.
  ///
  /// Columns are independent: views of some columns with pointers to match do a part of the work.
  package func layerNormParameterGradients(
    _ x: MatrixView, _ dy: MatrixView, moments: RowMoments, weight: UnsafeMutablePointer<Float>,
    bias: UnsafeMutablePointer<Float>?
  ) {
    var call = normCall(x, dy, moments)
    table.pointee.layernorm_parameters_f32(&call, weight, bias)
  }

  /// The adjoint of `gate`; `dx` is apart from the others.
  package func gateGradient(
    _ x: MatrixView, _ activation: Activation, _ dy: MatrixView, into dx: MutableMatrixView
  ) {
    precondition(
      dy.rows == x.rows && x.columns == 2 * dy.columns && dx.rows == x.rows
        && dx.columns == x.columns, "gateGradient: shapes differ")
    table.pointee.gate_gradient_f32(
      activation.rawValue, x.rows, dy.columns, x.base, x.stride, dy.base, dy.stride, dx.base,
      dx.stride)
  }

  private func normCall(
    _ x: MatrixView, _ dy: MatrixView, _ moments: RowMoments
  ) -> ck_layernorm_gradient_f32 {
    precondition(dy.rows == x.rows && dy.columns == x.columns, "layer norm: shapes differ")
    var call = ck_layernorm_gradient_f32()
    call.rows = x.rows
    call.width = x.columns
    call.x = x.base
    call.ldx = x.stride
    call.dy = dy.base
    call.lddy = dy.stride
    call.means = moments.means
    call.factors = moments.factors
    return call
  }

  /// The adjoint of `l2NormalizeRows`.
  package func l2NormalizeGradient(
    _ x: MatrixView, epsilon: Float, _ dy: MatrixView, into dx: MutableMatrixView
  ) {
    precondition(
      dy.rows == x.rows && dy.columns == x.columns && dx.rows == x.rows && dx.columns == x.columns,
      "l2NormalizeGradient: shapes differ")
    table.pointee.l2_normalize_gradient_f32(
      x.rows, x.columns, x.base, x.stride, epsilon, dy.base, dy.stride, dx.base, dx.stride)
  }

  /// Floats of scratch memory for `attentionGradient`.
  package func attentionGradientScratchCount(
    queries: Int, keys: Int, headWidth: Int, reach: Int? = nil
  ) -> Int {
    table.pointee.attention_gradient_scratch(queries, keys, headWidth, reach ?? .max)
  }

  /// The adjoint of `attention`; probabilities are computed again, a block of queries of one head
  /// at a time.
  package func attentionGradient(_ t: AttentionGradient, scratch: AlignedBuffer) {
    let (width, shared) = (t.queries.columns, t.keys.columns)
    for (x, rows, columns) in [
      (t.queries, t.queries.rows, width), (t.output, t.queries.rows, width),
      (t.byQueries.view, t.queries.rows, width), (t.keys, t.keys.rows, shared),
      (t.values, t.keys.rows, shared), (t.byKeys.view, t.keys.rows, shared),
      (t.byValues.view, t.keys.rows, shared),
    ] {
      precondition(
        x.columns == columns && x.rows == rows, "attentionGradient: \(x.rows) × \(x.columns)")
    }
    precondition(t.heads > 0 && width % t.heads == 0 && t.queries.rows > 0 && t.keys.rows > 0)
    let keyHeads = shared / (width / t.heads)
    precondition(
      keyHeads > 0 && t.heads % keyHeads == 0 && shared == keyHeads * (width / t.heads),
      "attentionGradient: \(t.heads) heads of \(width) columns, \(shared) of keys")
    let needed = attentionGradientScratchCount(
      queries: t.queries.rows, keys: t.keys.rows, headWidth: width / t.heads, reach: t.mask.reach)
    precondition(scratch.count >= needed, "attentionGradient: scratch \(scratch.count) < \(needed)")
    var forward = ck_attention_f32()
    forward.queries = t.queries.rows
    forward.keys = t.keys.rows
    forward.heads = t.heads
    forward.key_heads = keyHeads
    forward.head_width = width / t.heads
    (forward.q, forward.ldq) = (t.queries.base, t.queries.stride)
    (forward.k, forward.ldk) = (t.keys.base, t.keys.stride)
    (forward.v, forward.ldv) = (t.values.base, t.values.stride)
    forward.scale = t.scale
    forward.scratch = scratch.pointer
    forward.set(t.mask)
    var call = ck_attention_gradient_f32()
    (call.dout, call.lddout) = (t.output.base, t.output.stride)
    (call.dq, call.lddq) = (t.byQueries.base, t.byQueries.stride)
    (call.dk, call.lddk) = (t.byKeys.base, t.byKeys.stride)
    (call.dv, call.lddv) = (t.byValues.base, t.byValues.stride)
    if let byRelative = t.byRelative {
      precondition(
        byRelative.rows == t.mask.relative?.rows && byRelative.columns == t.mask.relative?.columns,
        "attentionGradient: relative \(byRelative.rows) × \(byRelative.columns)")
      (call.drelative, call.lddr) = (byRelative.base + byRelative.columns / 2, byRelative.stride)
    }
    withExtendedLifetime(scratch) {
      withDropout(t.dropout, &forward) { forward in
        call.forward = forward
        table.pointee.attention_gradient_f32(&call)
      }
    }
  }

  /// Sets the dropout of a call for the duration of `body`.
  func withDropout(
    _ dropout: Dropout?, _ call: inout ck_attention_f32,
    _ body: (UnsafePointer<ck_attention_f32>) -> Void
  ) {
    guard let dropout else { return withUnsafePointer(to: &call, body) }
    withUnsafePointer(to: dropout.kernel) { kernel in
      call.dropout = kernel
      call.dropout_index = dropout.index
      withUnsafePointer(to: &call, body)
    }
  }

  /// y[N] = x[N] / (1 − rate) where an element is kept, else 0; `y` may be `x`.
  ///
  /// It is its own adjoint.
  package func applyDropout(
    _ dropout: Dropout, to x: UnsafeBufferPointer<Float>,
    into y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(x.count == y.count, "applyDropout: x \(x.count), y \(y.count)")
    withUnsafePointer(to: dropout.kernel) {
      table.pointee.dropout_f32($0, dropout.index, x.count, x.baseAddress, y.baseAddress)
    }
  }
}

/// Mean and 1 / √(variance + epsilon) of rows; for `rmsNorm` 1 / √(mean of x² + epsilon) alone.
package struct RowMoments {
  let means: UnsafeMutablePointer<Float>?
  let factors: UnsafeMutablePointer<Float>

  /// Room for the moments of M rows, in memory of 2M floats.
  package init(_ memory: UnsafeMutablePointer<Float>, rows: Int, hasMeans: Bool = true) {
    means = hasMeans ? memory : nil
    factors = memory + rows
  }

  private init(means: UnsafeMutablePointer<Float>?, factors: UnsafeMutablePointer<Float>) {
    self.means = means
    self.factors = factors
  }

  /// Those of the rows from `first` on.
  package func from(_ first: Int) -> RowMoments {
    RowMoments(means: means.map { $0 + first }, factors: factors + first)
  }
}

/// Elements that are dropped in training, others growing by 1 / (1 − rate) (Srivastava et al.,
/// JMLR 15, 2014).
///
/// Whether element i is dropped is a function of (seed, stream, index + i) alone: element
/// 64·g + 16·w + b takes word w of block 16·g + b of `CounterRandom`.
package struct Dropout: Sendable {
  package let rate: Float
  package let seed: UInt64
  package let stream: UInt64
  /// Index of the first element, a multiple of 64.
  package var index: UInt64

  package init(rate: Float, seed: UInt64, stream: UInt64, index: UInt64) {
    precondition(rate >= 0 && rate < 1, "dropout \(rate)")
    precondition(index % 64 == 0, "dropout at \(index)")
    self.rate = rate
    self.seed = seed
    self.stream = stream
    self.index = index
  }

  /// A word below this drops its element.
  package var threshold: UInt32 { UInt32(Double(rate) * 0x1p32) }

  fileprivate var kernel: ck_dropout {
    ck_dropout(seed: seed, stream: stream, threshold: threshold, factor: 1 / (1 - rate))
  }
}
