internal import CKernels

/// W[N,K] and perhaps a bias, packed for multiplication in some precision.
protocol PackedWeights {
  /// N, the outputs.
  var rows: Int { get }
  /// K, the inputs.
  var columns: Int { get }
  /// bias[N], or nil; valid while the weights live.
  var bias: UnsafePointer<Float>? { get }
}

extension PackedMatrix: PackedWeights {}
extension NarrowMatrix: PackedWeights {}

/// Checks and arguments that products have in common, whatever the precision.
extension Kernels {
  /// The arguments of c = a · Wᵀ + bias, without the packed weights.
  func product(
    _ a: MatrixView, _ w: some PackedWeights, _ columns: Range<Int>?, _ c: MutableMatrixView
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
    call.bias = w.bias
    call.c = c.base
    call.ldc = c.stride
    call.n0 = range.lowerBound
    call.n1 = range.upperBound
    return call
  }

  /// Has a residual added last.
  func add(_ residual: MatrixView, to call: inout ck_gemm_f32, _ c: MutableMatrixView) {
    precondition(
      residual.rows == c.rows && residual.columns == c.columns,
      "residual \(residual.rows) × \(residual.columns), c \(c.rows) × \(c.columns)")
    precondition(!residual.overlaps(c.view), "multiply: c overlaps the residual")
    call.residual = residual.base
    call.ldr = residual.stride
  }

  /// Calls `run` with the arguments of out = max of a · Wᵀ + bias over the rows of each sequence,
  /// without the packed weights; the weights live meanwhile.
  func maximum(
    _ a: MatrixView, _ w: some PackedWeights, _ offsets: [Int], _ columns: Range<Int>?,
    _ out: MutableMatrixView, _ run: (inout ck_gemm_colmax_f32) -> Void
  ) {
    precondition(a.columns == w.columns, "multiplyMax: a has K = \(a.columns), W \(w.columns)")
    precondition(
      out.rows == offsets.count - 1 && out.columns == w.rows,
      "multiplyMax: out \(out.rows) × \(out.columns), \(offsets.count - 1) sequences × \(w.rows)")
    precondition(offsets.first.map { $0 >= 0 } ?? true, "multiplyMax: negative offset")
    precondition(offsets.last.map { $0 <= a.rows } ?? true, "multiplyMax: offset past the rows")
    precondition(
      zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 }, "multiplyMax: empty sequence")
    let range = PackedMatrix.panels(columns, of: w.rows)
    if out.rows == 0 { return }
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
      call.n0 = range.lowerBound
      call.n1 = range.upperBound
      withExtendedLifetime(w) { run(&call) }
    }
  }
}
