internal import CKernels

extension Kernels {
  /// c[M,N] = act(a[M,K] · W[N,K]ᵀ + bias[N]).
  ///
  /// An element is fma over K ascending from zero, then the bias, then the activation. `c` must
  /// not overlap `a`.
  ///
  /// - Parameters:
  ///   - a: a[M,K].
  ///   - w: W and its bias.
  ///   - activation: act.
  ///   - columns: The outputs to compute, all where it is left out; begins at a multiple of
  ///     `PackedMatrix.panelWidth` and ends at one or at N. Other columns of `c` are not touched.
  ///   - c: c[M,N].
  package func multiply(
    _ a: MatrixView, _ w: PackedMatrix, activation: Activation = .none,
    columns: Range<Int>? = nil, into c: MutableMatrixView
  ) {
    var call = self.call(a, w, columns, c)
    call.activation = activation.rawValue
    withExtendedLifetime(w) { table.pointee.gemm_f32(&call) }
  }

  /// c[M,N] = residual[M,N] + (a[M,K] · W[N,K]ᵀ + bias[N]).
  ///
  /// `c` must overlap neither `a` nor `residual`.
  ///
  /// - Parameters:
  ///   - a: a[M,K].
  ///   - w: W and its bias.
  ///   - residual: What is added last.
  ///   - columns: As in `multiply(_:_:activation:columns:into:)`.
  ///   - c: c[M,N].
  package func multiply(
    _ a: MatrixView, _ w: PackedMatrix, adding residual: MatrixView, columns: Range<Int>? = nil,
    into c: MutableMatrixView
  ) {
    precondition(
      residual.rows == c.rows && residual.columns == c.columns,
      "residual \(residual.rows) × \(residual.columns), c \(c.rows) × \(c.columns)")
    precondition(!residual.overlaps(c.view), "multiply: c overlaps the residual")
    var call = self.call(a, w, columns, c)
    call.residual = residual.base
    call.ldr = residual.stride
    withExtendedLifetime(w) { table.pointee.gemm_f32(&call) }
  }

  func call(
    _ a: MatrixView, _ w: PackedMatrix, _ columns: Range<Int>?, _ c: MutableMatrixView
  ) -> ck_gemm_f32 {
    precondition(a.columns == w.columns, "multiply: a has K = \(a.columns), W \(w.columns)")
    precondition(
      c.rows == a.rows && c.columns == w.rows,
      "multiply: c \(c.rows) × \(c.columns), product \(a.rows) × \(w.rows)")
    precondition(!a.overlaps(c.view), "multiply: c overlaps a")
    let range = PackedMatrix.panels(columns, of: w.rows)
    var call = ck_gemm_f32()
    call.m = a.rows
    call.n = w.rows
    call.k = w.columns
    call.a = a.base
    call.lda = a.stride
    call.packed = UnsafePointer(w.storage.pointer)
    call.bias = w.bias
    call.c = c.base
    call.ldc = c.stride
    call.n0 = range.lowerBound
    call.n1 = range.upperBound
    return call
  }

  /// out[S,N] = max over the rows offsets[s]..<offsets[s+1] of (a[M,K] · W[N,K]ᵀ + bias[N]).
  ///
  /// The product is never stored: memory does not depend on M · N. A NaN gives NaN.
  ///
  /// - Parameters:
  ///   - a: a[M,K].
  ///   - w: W and its bias.
  ///   - offsets: S + 1 row numbers, strictly ascending, the last at most M.
  ///   - columns: As in `multiply(_:_:activation:columns:into:)`.
  ///   - out: out[S,N].
  package func multiplyMax(
    _ a: MatrixView, _ w: PackedMatrix, offsets: [Int], columns: Range<Int>? = nil,
    into out: MutableMatrixView
  ) {
    precondition(a.columns == w.columns, "multiplyMax: a has K = \(a.columns), W \(w.columns)")
    checkMax(a, offsets, outputs: w.rows, out)
    let range = PackedMatrix.panels(columns, of: w.rows)
    offsets.withUnsafeBufferPointer { offsets in
      var call = ck_gemm_colmax_f32()
      call.sequences = out.rows
      call.n = w.rows
      call.k = w.columns
      call.offsets = offsets.baseAddress
      call.a = a.base
      call.lda = a.stride
      call.packed = UnsafePointer(w.storage.pointer)
      call.bias = w.bias
      call.out = out.base
      call.ldo = out.stride
      call.n0 = range.lowerBound
      call.n1 = range.upperBound
      withExtendedLifetime(w) { table.pointee.gemm_colmax_f32(&call) }
    }
  }

  func checkMax(_ a: MatrixView, _ offsets: [Int], outputs: Int, _ out: MutableMatrixView) {
    precondition(
      out.rows == offsets.count - 1 && out.columns == outputs,
      "multiplyMax: out \(out.rows) × \(out.columns), \(offsets.count - 1) sequences × \(outputs)")
    precondition(offsets.first.map { $0 >= 0 } ?? true, "multiplyMax: negative offset")
    precondition(offsets.last.map { $0 <= a.rows } ?? true, "multiplyMax: offset past the rows")
    precondition(
      zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 }, "multiplyMax: empty sequence")
  }
}

extension PackedMatrix {
  /// Some of N outputs, all where nothing is said, which must be whole panels.
  static func panels(_ range: Range<Int>?, of rows: Int) -> Range<Int> {
    guard let range else { return 0..<rows }
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows && range.lowerBound % panelWidth == 0
        && (range.upperBound % panelWidth == 0 || range.upperBound == rows),
      "outputs \(range) of \(rows) do not begin and end with panels of \(panelWidth)")
    return range
  }
}
