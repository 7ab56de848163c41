import Kernels

/// W[N,K], and perhaps b[N], packed for the products of one step.
enum WeightPanels {
  case single(PackedMatrix)
  case narrow(NarrowMatrix)

  /// Room for the weights that `fill` will pack.
  ///
  /// - Parameters:
  ///   - precision: `f32` or `bf16`.
  ///   - rows: N.
  ///   - columns: K.
  ///   - memory: Memory that the panels take over, whatever was in it.
  ///   - bias: b[N], copied.
  init(
    _ precision: Precision, rows: Int, columns: Int, in memory: inout ScratchBuffer,
    bias: UnsafePointer<Float>? = nil
  ) {
    precondition(precision != .int8, "bytes in training")
    if precision == .f32 {
      let count = PackedMatrix.memoryCount(rows: rows, columns: columns)
      self = .single(
        PackedMatrix(rows: rows, columns: columns, memory: memory.take(count), bias: bias))
    } else {
      let count = NarrowMatrix.memoryCount(rows: rows, columns: columns, precision)
      self = .narrow(
        NarrowMatrix(rows: rows, columns: columns, memory: memory.take(count), bias: bias))
    }
  }

  /// Panels of a layer that nothing trains.
  init(_ layer: Linear) {
    self = layer.narrow.map { .narrow($0) } ?? .single(layer.packed)
  }

  /// N.
  var rows: Int {
    switch self {
    case .single(let w): w.rows
    case .narrow(let w): w.rows
    }
  }

  /// Number of panels; they may be filled at the same time.
  var panels: Int { (rows + PackedMatrix.panelWidth - 1) / PackedMatrix.panelWidth }

  /// Packs one panel, where element (n, k) of W is `source[n * rowStride + k * columnStride]`; one of
  /// the strides is 1.
  func fill(
    panel: Int, _ source: UnsafePointer<Float>, rowStride: Int, columnStride: Int,
    kernels: Kernels
  ) {
    switch self {
    case .single(let w):
      w.fill(
        panel: panel, source, rowStride: rowStride, columnStride: columnStride, kernels: kernels)
    case .narrow(let w):
      w.fill(
        panel: panel, source, rowStride: rowStride, columnStride: columnStride, kernels: kernels)
    }
  }

  /// c[M,N] = a[M,K] · Wᵀ + b for some outputs, all where nothing is said, or c += a · Wᵀ.
  func multiply(
    _ a: MatrixView, columns: Range<Int>? = nil, accumulates: Bool = false,
    into c: MutableMatrixView, kernels: Kernels, scratch: inout AlignedBuffer
  ) {
    switch (self, accumulates) {
    case (.single(let w), false): kernels.multiply(a, w, columns: columns, into: c)
    case (.single(let w), true): kernels.accumulate(a, w, columns: columns, into: c)
    case (.narrow(let w), false):
      kernels.multiply(a, w, columns: columns, into: c, scratch: &scratch)
    case (.narrow(let w), true):
      kernels.accumulate(a, w, columns: columns, into: c, scratch: &scratch)
    }
  }
}
