internal import CKernels

/// What is applied to the outputs of a matrix product while they are in the cache.
package enum Activation: Int32, CaseIterable, Sendable {
  /// x.
  case none = 0
  /// x · Φ(x), by the error function. Hendrycks and Gimpel, arXiv:1606.08415.
  case gelu = 1
  /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), the approximation of the same paper.
  case geluTanh = 2
  /// max(x, 0).
  case relu = 3
  /// tanh(x).
  case tanh = 4
  /// x / (1 + e⁻ˣ), the sigmoid linear unit. Elfwing et al., arXiv:1702.03118.
  case silu = 5
}

/// A function of one number.
package enum ElementaryFunction: Int32, CaseIterable, Sendable {
  /// eˣ.
  case exp = 0
  /// x · Φ(x).
  case gelu = 1
  /// The approximation of `gelu` by tanh.
  case geluTanh = 2
  /// max(x, 0).
  case relu = 3
  /// tanh(x).
  case tanh = 4
  /// 1 / (1 + e⁻ˣ).
  case sigmoid = 5
  /// log(1 + max(x, 0)), the saturation of SPLADE. Formal et al., arXiv:2107.05720.
  case log1pRelu = 6
  /// x / (1 + e⁻ˣ).
  case silu = 7
}

/// A half-precision format, as it lies in weight files.
package enum HalfFormat: CaseIterable, Sendable {
  /// IEEE binary16: 5 bits of exponent, 10 of mantissa.
  case float16
  /// The upper half of a binary32: 8 bits of exponent, 7 of mantissa.
  case bfloat16
}
