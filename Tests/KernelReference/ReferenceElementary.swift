import Glibc
import Kernels

extension Reference {
  /// f(x), true value.
  package static func apply(_ function: ElementaryFunction, to x: Double) -> Double {
    switch function {
    case .exp: Glibc.exp(x)
    case .gelu: 0.5 * x * Glibc.erfc(-x / 2.0.squareRoot())
    case .geluTanh:
      x / (1 + Glibc.exp(-2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .relu: Swift.max(x, 0)
    case .tanh: Glibc.tanh(x)
    case .sigmoid: 1 / (1 + Glibc.exp(-x))
    case .log1pRelu: Glibc.log1p(Swift.max(x, 0))
    case .silu: x == -.infinity ? 0 : x / (1 + Glibc.exp(-x))
    }
  }

  /// exp(x[N] − max) / Σ exp(x − max), true value.
  package static func softmax(_ x: [Double]) -> [Double] {
    let top = x.max() ?? 0
    var powers: [Double] = []
    var sum = 0.0
    for value in x {
      let power = Glibc.exp(value - top)
      powers.append(power)
      sum += power
    }
    for i in powers.indices { powers[i] /= sum }
    return powers
  }
}
