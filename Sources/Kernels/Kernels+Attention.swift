internal import CKernels

extension Kernels {
  /// Floats of scratch memory for `attention`, for Q queries, L keys and heads of width E.
  package func attentionScratchCount(queries: Int, keys: Int, headWidth: Int) -> Int {
    table.pointee.attention_scratch(queries, keys, headWidth)
  }

  /// out[Q,H·E] = for every head, softmax over L of (scale · q[Q,E] · k[L,E]ᵀ) · v[L,E].
  ///
  /// One sequence; head h is columns h·E..<(h+1)·E of each view. Vaswani et al., arXiv:1706.03762.
  ///
  /// - Parameters:
  ///   - queries: q[Q,H·E]; fewer rows than keys where only some outputs are needed.
  ///   - keys: k[L,H·E].
  ///   - values: v[L,H·E].
  ///   - heads: H, a divisor of the columns.
  ///   - scale: Usually 1/√E.
  ///   - keep: keep[L], 0 for a key that nobody attends to; at least one is not.
  ///   - dropout: Which weights are dropped, in training.
  ///   - out: out[Q,H·E], apart from the others.
  ///   - scratch: At least `attentionScratchCount(queries:keys:headWidth:)` floats.
  package func attention(
    queries: MatrixView, keys: MatrixView, values: MatrixView, heads: Int, scale: Float,
    keep: UnsafeBufferPointer<UInt8>? = nil, dropout: Dropout? = nil, into out: MutableMatrixView,
    scratch: AlignedBuffer
  ) {
    let width = queries.columns
    precondition(heads > 0 && width % heads == 0, "attention: \(heads) heads in \(width) columns")
    precondition(
      keys.columns == width && values.columns == width && out.columns == width,
      "attention: columns \(width), \(keys.columns), \(values.columns), \(out.columns)")
    precondition(values.rows == keys.rows, "attention: \(keys.rows) keys, \(values.rows) values")
    precondition(out.rows == queries.rows, "attention: \(queries.rows) queries, \(out.rows) out")
    precondition(keys.rows > 0, "attention: no keys")
    if let keep {
      precondition(keep.count == keys.rows, "attention: \(keys.rows) keys, mask \(keep.count)")
      precondition(keep.contains { $0 != 0 }, "attention: no key is attended to")
    }
    let needed = attentionScratchCount(
      queries: queries.rows, keys: keys.rows, headWidth: width / heads)
    precondition(scratch.count >= needed, "attention: scratch \(scratch.count) < \(needed)")
    if queries.rows == 0 { return }
    var call = ck_attention_f32()
    call.queries = queries.rows
    call.keys = keys.rows
    call.heads = heads
    call.head_width = width / heads
    call.q = queries.base
    call.ldq = queries.stride
    call.k = keys.base
    call.ldk = keys.stride
    call.v = values.base
    call.ldv = values.stride
    call.keep = keep?.baseAddress
    call.scale = scale
    call.out = out.base
    call.ldo = out.stride
    call.scratch = scratch.pointer
    withExtendedLifetime(scratch) {
      withDropout(dropout, &call) { table.pointee.attention_f32($0) }
    }
  }
}
