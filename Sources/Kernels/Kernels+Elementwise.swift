internal import CKernels

extension Kernels {
  /// y[N] = f(x[N]); `y` may be `x`.
  ///
  /// Errors are a few units in the last place; the tests state how many.
  package func apply(
    _ function: ElementaryFunction, to x: UnsafeBufferPointer<Float>,
    into y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(x.count == y.count, "apply: x \(x.count), y \(y.count)")
    table.pointee.map_f32(function.rawValue, x.count, x.baseAddress, y.baseAddress)
  }

  /// Σ x[i] · y[i], in sixteen lanes.
  package func dot(_ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>) -> Float {
    precondition(x.count == y.count, "dot: x \(x.count), y \(y.count)")
    return table.pointee.dot_f32(x.count, x.baseAddress, y.baseAddress)
  }

  /// y[N] = alpha · x[N]; `y` may be `x`.
  package func scale(
    _ x: UnsafeBufferPointer<Float>, by alpha: Float, into y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(x.count == y.count, "scale: x \(x.count), y \(y.count)")
    table.pointee.scale_f32(x.count, alpha, x.baseAddress, y.baseAddress)
  }

  /// y[N] = fma(alpha, x[N], y[N]).
  package func addScaled(
    _ x: UnsafeBufferPointer<Float>, by alpha: Float, to y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(x.count == y.count, "addScaled: x \(x.count), y \(y.count)")
    table.pointee.axpy_f32(x.count, alpha, x.baseAddress, y.baseAddress)
  }

  /// y[N] = x[N], exactly; a signalling NaN becomes quiet.
  package func widen(
    _ x: UnsafeBufferPointer<UInt16>, _ format: HalfFormat,
    into y: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(x.count == y.count, "widen: x \(x.count), y \(y.count)")
    switch format {
    case .float16: table.pointee.f16_to_f32(x.count, x.baseAddress, y.baseAddress)
    case .bfloat16: table.pointee.bf16_to_f32(x.count, x.baseAddress, y.baseAddress)
    }
  }

  /// y[N] = x[N] to the nearest, ties to even; what is too large becomes infinite.
  package func narrow(
    _ x: UnsafeBufferPointer<Float>, to format: HalfFormat,
    into y: UnsafeMutableBufferPointer<UInt16>
  ) {
    precondition(x.count == y.count, "narrow: x \(x.count), y \(y.count)")
    switch format {
    case .float16: table.pointee.f32_to_f16(x.count, x.baseAddress, y.baseAddress)
    case .bfloat16: table.pointee.f32_to_bf16(x.count, x.baseAddress, y.baseAddress)
    }
  }
}
