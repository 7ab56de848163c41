import Glibc

extension Reference {
  /// f′(x), true value.
  package static func derivative(of function: ElementaryFunction, at x: Double) -> Double {
    switch function {
    case .exp: return Glibc.exp(x)
    case .gelu:
      let density = Glibc.exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      return 0.5 * Glibc.erfc(-x / 2.0.squareRoot()) + x * density
    case .geluTanh:
      let root = (2 / Double.pi).squareRoot()
      let share = 1 / (1 + Glibc.exp(-2 * root * (x + 0.044715 * x * x * x)))
      return share + x * share * (1 - share) * 2 * root * (1 + 3 * 0.044715 * x * x)
    case .relu: return x > 0 ? 1 : 0
    case .tanh:
      let t = Glibc.tanh(x)
      return 1 - t * t
    case .sigmoid:
      let share = 1 / (1 + Glibc.exp(-x))
      return share * (1 - share)
    case .log1pRelu: return x > 0 ? 1 / (1 + x) : 0
    }
  }

  /// dy · f′(x) for f(x) = (x[D] − mean) / √(variance + epsilon) · weight[D], true value.
  package static func layerNormGradient(
    _ x: [Float], weight: [Float], epsilon: Float, _ dy: [Float]
  ) -> [Double] {
    let n = Double(x.count)
    let mean = x.reduce(0) { $0 + Double($1) } / n
    let variance = x.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / n
    let factor = 1 / (variance + Double(epsilon)).squareRoot()
    let h = x.map { (Double($0) - mean) * factor }
    let g = zip(dy, weight).map { Double($0) * Double($1) }
    let plain = g.reduce(0, +) / n
    let along = zip(g, h).reduce(0) { $0 + $1.0 * $1.1 } / n
    return zip(g, h).map { factor * ($0 - plain - $1 * along) }
  }

  /// dy · f′(x) for f(x) = x[N] / max(‖x‖₂, epsilon), true value.
  package static func l2NormalizeGradient(
    _ x: [Float], epsilon: Float, _ dy: [Float]
  ) -> [Double] {
    let norm = x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    if norm <= Double(epsilon) { return dy.map { Double($0) / Double(epsilon) } }
    let along = zip(x, dy).reduce(0) { $0 + Double($1.0) * Double($1.1) } / norm
    return zip(x, dy).map { (Double($1) - Double($0) / norm * along) / norm }
  }

  /// Derivatives by q[Q,E], k[L,E] and v[L,E] of the attention of one head, true values.
  ///
  /// `dy` is the derivative by the output, [Q,E]; each weight [Q,L] is multiplied by `kept` after the
  /// softmax.
  package static func attentionGradient(
    q: [Float], k: [Float], v: [Float], width: Int, scale: Float, kept: [Double], _ dy: [Float]
  ) -> (q: [Double], k: [Double], v: [Double]) {
    let (queries, keys) = (q.count / width, k.count / width)
    func product(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int) -> Double {
      (0..<width).reduce(0) { $0 + Double(a[i * width + $1]) * Double(b[j * width + $1]) }
    }
    var result = (
      q: [Double](repeating: 0, count: q.count), k: [Double](repeating: 0, count: k.count),
      v: [Double](repeating: 0, count: v.count)
    )
    for i in 0..<queries {
      let p = softmax((0..<keys).map { product(q, i, k, $0) * Double(scale) })
      let g = (0..<keys).map { product(dy, i, v, $0) * kept[i * keys + $0] }
      let mean = zip(p, g).reduce(0) { $0 + $1.0 * $1.1 }
      for j in 0..<keys {
        let slope = p[j] * (g[j] - mean) * Double(scale)
        for e in 0..<width {
          result.v[j * width + e] += p[j] * kept[i * keys + j] * Double(dy[i * width + e])
          result.q[i * width + e] += slope * Double(k[j * width + e])
          result.k[j * width + e] += slope * Double(q[i * width + e])
        }
      }
    }
    return result
  }
}
