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
    var call = product(a, w, columns, c)
    call.activation = activation.rawValue
    run(&call, w)
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
    var call = product(a, w, columns, c)
    add(residual, to: &call, c)
    run(&call, w)
  }

  /// out[M,N] = −‖a[M,K] − W[N,K]‖, the Euclidean distances of all pairs.
  ///
  /// Squares of differences are summed in double precision over K ascending.
  ///
  /// - Parameters:
  ///   - a: a[M,K].
  ///   - w: W, whose bias is not read.
  ///   - out: out[M,N].
  package func negativeDistances(_ a: MatrixView, _ w: PackedMatrix, into out: MutableMatrixView) {
    precondition(
      a.columns == w.columns && out.rows == a.rows && out.columns == w.rows,
      "distances: a \(a.rows) × \(a.columns), W \(w.rows) × \(w.columns)")
    withExtendedLifetime(w) {
      table.pointee.distances_f32(
        a.rows, w.rows, w.columns, a.base, a.stride, w.storage.pointer, out.base, out.stride)
    }
  }

  func run(_ call: inout ck_gemm_f32, _ w: PackedMatrix) {
    call.packed = UnsafePointer(w.storage.pointer)
    withExtendedLifetime(w) { table.pointee.gemm_f32(&call) }
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
    maximum(a, w, offsets, columns, out) { call in
      call.packed = UnsafePointer(w.storage.pointer)
      table.pointee.gemm_colmax_f32(&call)
    }
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
