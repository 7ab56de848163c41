internal import CKernels

extension Kernels {
  /// c[M,N] = act(a[M,K] · W[N,K]ᵀ + bias[N]), or residual[M,N] + (a · Wᵀ + bias).
  ///
  /// The sum as `Precision` says, then in single precision the bias, then the activation or the
  /// residual. `c` must overlap neither `a` nor `residual`.
  ///
  /// - Parameters:
  ///   - a: a[M,K]; narrowed on the way, row by row.
  ///   - w: W and its bias.
  ///   - activation: act; none where there is a residual.
  ///   - residual: What is added last.
  ///   - c: c[M,N].
  ///   - scratch: Grows as needed.
  package func multiply(
    _ a: MatrixView, _ w: NarrowMatrix, activation: Activation = .none,
    adding residual: MatrixView? = nil, into c: MutableMatrixView,
    scratch: inout AlignedBuffer
  ) {
    precondition(a.columns == w.columns, "multiply: a has K = \(a.columns), W \(w.columns)")
    precondition(
      c.rows == a.rows && c.columns == w.rows,
      "multiply: c \(c.rows) × \(c.columns), product \(a.rows) × \(w.rows)")
    precondition(!a.overlaps(c.view), "multiply: c overlaps a")
    var call = ck_gemm_f32()
    call.m = a.rows
    call.n = w.rows
    call.k = w.columns
    call.a = a.base
    call.lda = a.stride
    call.bias = w.bias
    call.c = c.base
    call.ldc = c.stride
    call.n1 = w.rows
    call.activation = activation.rawValue
    if let residual {
      precondition(activation == .none, "multiply: an activation and a residual")
      precondition(
        residual.rows == c.rows && residual.columns == c.columns,
        "residual \(residual.rows) × \(residual.columns), c \(c.rows) × \(c.columns)")
      precondition(!residual.overlaps(c.view), "multiply: c overlaps the residual")
      call.residual = residual.base
      call.ldr = residual.stride
    }
    reserve(rows: min(a.rows, Int(CK_BLOCK)), w, &scratch)
    var weights = w.weights
    withExtendedLifetime(w) {
      switch w.precision {
      case .bf16: table.pointee.gemm_bf16(&call, &weights, scratch.pointer)
      case .int8: table.pointee.gemm_s8(&call, &weights, scratch.pointer)
      case .f32: break
      }
    }
  }

  /// out[S,N] = max over the rows offsets[s]..<offsets[s+1] of (a[M,K] · W[N,K]ᵀ + bias[N]).
  ///
  /// The product is never stored: memory does not depend on M · N. A NaN gives NaN.
  ///
  /// - Parameters:
  ///   - a: a[M,K]; narrowed on the way, row by row.
  ///   - w: W and its bias.
  ///   - offsets: S + 1 row numbers, strictly ascending, the last at most M.
  ///   - out: out[S,N].
  ///   - scratch: Grows as needed.
  package func multiplyMax(
    _ a: MatrixView, _ w: NarrowMatrix, offsets: [Int], into out: MutableMatrixView,
    scratch: inout AlignedBuffer
  ) {
    precondition(a.columns == w.columns, "multiplyMax: a has K = \(a.columns), W \(w.columns)")
    checkMax(a, offsets, outputs: w.rows, out)
    if out.rows == 0 { return }
    reserve(rows: a.rows, w, &scratch)
    var weights = w.weights
    offsets.withUnsafeBufferPointer { offsets in
      var call = ck_gemm_colmax_f32()
      call.sequences = out.rows
      call.n = w.rows
      call.k = w.columns
      call.offsets = offsets.baseAddress
      call.a = a.base
      call.lda = a.stride
      call.bias = w.bias
      call.out = out.base
      call.ldo = out.stride
      call.n1 = w.rows
      withExtendedLifetime(w) {
        switch w.precision {
        case .bf16: table.pointee.gemm_colmax_bf16(&call, &weights, scratch.pointer)
        case .int8: table.pointee.gemm_colmax_s8(&call, &weights, scratch.pointer)
        case .f32: break
        }
      }
    }
  }

  private func reserve(rows: Int, _ w: NarrowMatrix, _ scratch: inout AlignedBuffer) {
    let size = MemoryLayout<Float>.stride
    let needed = (table.pointee.narrow_scratch(rows, w.columns) + size - 1) / size
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
  }
}
