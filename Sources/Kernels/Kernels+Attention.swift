internal import CKernels

/// What attention does besides comparing queries with keys.
package struct AttentionMask {
  /// keep[L], 0 for a key that nobody attends to.
  package var keep: UnsafeBufferPointer<UInt8>?
  /// relative[H,2R+1]: what head h adds to the score of a key at the distance d = key − query, at
  /// column R + d.
  package var relative: MatrixView?
  /// The key at which the first query stands; the next ones follow.
  package var first: Int
  /// Largest distance of a key that is attended to; nil for all.
  package var reach: Int?
  /// Largest distance of a key that stands behind the query's place; nil for the `reach`.
  package var ahead: Int?

  package init(
    keep: UnsafeBufferPointer<UInt8>? = nil, relative: MatrixView? = nil, first: Int = 0,
    reach: Int? = nil, ahead: Int? = nil
  ) {
    self.ahead = ahead
    self.keep = keep
    self.relative = relative
    self.first = first
    self.reach = reach
  }
}

extension Kernels {
  /// Floats of scratch memory for `attention`, for Q queries, L keys and heads of width E.
  package func attentionScratchCount(
    queries: Int, keys: Int, headWidth: Int, reach: Int? = nil, precision: Precision = .f32
  ) -> Int {
    precision == .f32
      ? table.pointee.attention_scratch(queries, keys, headWidth, reach ?? .max)
      : table.pointee.attention_bf16_scratch(keys, headWidth, reach ?? .max)
  }

  /// out[Q,H·E] = for every head, softmax over L of (scale · q[Q,E] · k[L,E]ᵀ + relative) · v[L,E].
  ///
  /// One sequence; head h is columns h·E..<(h+1)·E of each view. Where keys and values have fewer
  /// heads, G, each of them serves the next H/G heads of queries (Ainslie et al., arXiv:2305.13245).
  /// Vaswani et al., arXiv:1706.03762;
  /// relative positions: Raffel et al., arXiv:1910.10683. A query that is left without keys gets
  /// the mean of all values, as where a mask adds one large negative number to every score.
  ///
  /// - Parameters:
  ///   - queries: q[Q,H·E]; fewer rows than keys where only some outputs are needed.
  ///   - keys: k[L,G·E].
  ///   - values: v[L,G·E].
  ///   - heads: H, a divisor of the queries' columns and a multiple of G.
  ///   - scale: Usually 1/√E; positive.
  ///   - mask: Which keys are attended to, and what is added to their scores.
  ///   - precision: That of the linear layers around it. Where it is not `f32`, queries, keys,
  ///     weights and values are rounded to bfloat16, and exp is one of 13 bits.
  ///   - dropout: Which weights are dropped, in training; in single precision only.
  ///   - out: out[Q,H·E], apart from the others.
  ///   - scratch: As many floats as `attentionScratchCount` says, at least.
  package func attention(
    queries: MatrixView, keys: MatrixView, values: MatrixView, heads: Int, scale: Float,
    mask: AttentionMask = AttentionMask(), precision: Precision = .f32, dropout: Dropout? = nil,
    into out: MutableMatrixView, scratch: AlignedBuffer
  ) {
    let width = queries.columns
    precondition(heads > 0 && width % heads == 0, "attention: \(heads) heads in \(width) columns")
    let keyHeads = keys.columns / (width / heads)
    precondition(
      keyHeads > 0 && heads % keyHeads == 0 && keys.columns == keyHeads * (width / heads)
        && values.columns == keys.columns && out.columns == width,
      "attention: columns \(width), \(keys.columns), \(values.columns), \(out.columns)")
    precondition(values.rows == keys.rows, "attention: \(keys.rows) keys, \(values.rows) values")
    precondition(out.rows == queries.rows, "attention: \(queries.rows) queries, \(out.rows) out")
    precondition(keys.rows > 0, "attention: no keys")
    precondition(scale > 0, "attention: scale \(scale)")
    precondition(precision == .f32 || dropout == nil, "attention: dropout in \(precision)")
    let needed = attentionScratchCount(
      queries: queries.rows, keys: keys.rows, headWidth: width / heads, reach: mask.reach,
      precision: precision)
    precondition(scratch.count >= needed, "attention: scratch \(scratch.count) < \(needed)")
    if queries.rows == 0 { return }
    var call = ck_attention_f32()
    call.queries = queries.rows
    call.keys = keys.rows
    call.heads = heads
    call.key_heads = keyHeads
    call.head_width = width / heads
    call.q = queries.base
    call.ldq = queries.stride
    call.k = keys.base
    call.ldk = keys.stride
    call.v = values.base
    call.ldv = values.stride
    call.scale = scale
    call.out = out.base
    call.ldo = out.stride
    call.scratch = scratch.pointer
    call.set(mask)
    withExtendedLifetime(scratch) {
      if precision == .f32 {
        withDropout(dropout, &call) { table.pointee.attention_f32($0) }
      } else {
        table.pointee.attention_bf16(&call)
      }
    }
  }

  /// out[M,H·E]: elements e and e + E/2 of every head, turned by an angle of its row's position.
  ///
  /// Su et al., arXiv:2104.09864, in the arrangement of GPT-NeoX.
  ///
  /// - Parameters:
  ///   - x: x[M,H·E].
  ///   - cosines: cos[P,E/2] of the angle of each position.
  ///   - sines: sin[P,E/2].
  ///   - positions: positions[M], each in 0..<P.
  ///   - out: out[M,H·E]; may be `x`.
  package func rotate(
    _ x: MatrixView, cosines: MatrixView, sines: MatrixView,
    positions: UnsafeBufferPointer<Int32>, into out: MutableMatrixView
  ) {
    let half = cosines.columns
    precondition(
      x.rows == out.rows && x.columns == out.columns && positions.count == x.rows,
      "rotate: \(x.rows) × \(x.columns) into \(out.rows) × \(out.columns)")
    precondition(half > 0 && x.columns % (2 * half) == 0, "rotate: \(x.columns) columns")
    precondition(
      sines.rows == cosines.rows && sines.columns == half && sines.stride == half
        && cosines.stride == half, "rotate: tables of angles")
    for position in positions {
      precondition(position >= 0 && position < cosines.rows, "position \(position)")
    }
    var call = ck_rotary_f32()
    call.rows = x.rows
    call.heads = x.columns / (2 * half)
    call.head_width = 2 * half
    call.x = x.base
    call.ldx = x.stride
    call.cosine = cosines.base
    call.sine = sines.base
    call.positions = positions.baseAddress
    call.out = out.base
    call.ldo = out.stride
    table.pointee.rotary_f32(&call)
  }
}

extension ck_attention_f32 {
  mutating func set(_ mask: AttentionMask) {
    if let keep = mask.keep {
      precondition(keep.count == keys, "attention: \(keys) keys, mask \(keep.count)")
      self.keep = keep.baseAddress
    }
    precondition(mask.first >= 0, "attention: first key \(mask.first)")
    first = mask.first
    reach = mask.reach ?? .max
    ahead = mask.ahead ?? reach
    precondition(ahead >= 0 && ahead <= reach, "attention: a reach of \(reach), \(ahead) ahead")
    precondition(
      reach == .max && ahead == .max || first + queries <= keys,
      "attention: queries outside of the keys")
    guard let relative = mask.relative else { return }
    let center = relative.columns / 2
    precondition(
      relative.rows == heads && relative.columns % 2 == 1
        && center >= max(first + queries - 1, keys - 1 - first),
      "attention: relative \(relative.rows) × \(relative.columns)")
    self.relative = relative.base + center
    ldr = relative.stride
  }
}
