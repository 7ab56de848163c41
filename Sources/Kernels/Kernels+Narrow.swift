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
  ///   - columns: As in `multiply(_:_:activation:columns:into:)`.
  ///   - c: c[M,N].
  ///   - scratch: Grows as needed.
  package func multiply(
    _ a: MatrixView, _ w: NarrowMatrix, activation: Activation = .none,
    adding residual: MatrixView? = nil, columns: Range<Int>? = nil, into c: MutableMatrixView,
    scratch: inout AlignedBuffer
  ) {
    var call = product(a, w, columns, c)
    call.activation = activation.rawValue
    if let residual {
      precondition(activation == .none, "multiply: an activation and a residual")
      add(residual, to: &call, c)
    }
    run(&call, w, &scratch)
  }

  /// c[M,N] += a[M,K] · W[N,K]ᵀ of bfloat16: each sum goes on from what is there, as `Precision` says.
  ///
  /// Parameters are those of `multiply(_:_:activation:adding:columns:into:scratch:)`; W has no bias.
  package func accumulate(
    _ a: MatrixView, _ w: NarrowMatrix, columns: Range<Int>? = nil, into c: MutableMatrixView,
    scratch: inout AlignedBuffer
  ) {
    precondition(w.bias == nil && w.precision == .bf16, "accumulate: a bias, or bytes")
    var call = product(a, w, columns, c)
    call.accumulate = 1
    run(&call, w, &scratch)
  }

  private func run(_ call: inout ck_gemm_f32, _ w: NarrowMatrix, _ scratch: inout AlignedBuffer) {
    reserve(rows: min(call.m, Int(CK_BLOCK)), w, &scratch)
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
    reserve(rows: a.rows, w, &scratch)
    var weights = w.weights
    let memory = scratch.pointer
    maximum(a, w, offsets, nil, out) { call in
      switch w.precision {
      case .bf16: table.pointee.gemm_colmax_bf16(&call, &weights, memory)
      case .int8: table.pointee.gemm_colmax_s8(&call, &weights, memory)
      case .f32: break
      }
    }
  }

  private func reserve(rows: Int, _ w: NarrowMatrix, _ scratch: inout AlignedBuffer) {
    let size = MemoryLayout<Float>.stride
    let needed = (table.pointee.narrow_scratch(rows, w.columns) + size - 1) / size
    if scratch.count < needed { scratch = AlignedBuffer(count: needed) }
  }
}
