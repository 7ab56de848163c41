import Glibc
import Kernels

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
    case .silu:
      let share = 1 / (1 + Glibc.exp(-x))
      return share + x * share * (1 - share)
    }
  }

  /// dy · f′(x) for f(x) = (x[D] − mean) / √(variance + epsilon) · weight[D], true value.
  package static func layerNormGradient(
    _ x: [Float], weight: [Float], epsilon: Float, _ dy: [Float]
  ) -> [Double] {
    let count = Double(x.count)
    let (mean, variance) = moments(x)
    let factor = 1 / (variance + Double(epsilon)).squareRoot()
    // The derivatives by the normalised elements, their mean, and their mean product with those.
    var slopes = [Double](repeating: 0, count: x.count)
    var meanSlope = 0.0
    var meanProduct = 0.0
    for i in x.indices {
      slopes[i] = Double(dy[i]) * Double(weight[i])
      meanSlope += slopes[i] / count
      meanProduct += slopes[i] * (Double(x[i]) - mean) * factor / count
    }
    var dx = [Double](repeating: 0, count: x.count)
    for i in x.indices {
      let normalized = (Double(x[i]) - mean) * factor
      dx[i] = factor * (slopes[i] - meanSlope - normalized * meanProduct)
    }
    return dx
  }

  /// dy · f′(x) for f(x) = x[N] / max(‖x‖₂, epsilon), true value.
  package static func l2NormalizeGradient(
    _ x: [Float], epsilon: Float, _ dy: [Float]
  ) -> [Double] {
    var squares = 0.0
    var product = 0.0
    for i in x.indices {
      squares += Double(x[i]) * Double(x[i])
      product += Double(x[i]) * Double(dy[i])
    }
    let norm = squares.squareRoot()
    var dx = [Double](repeating: 0, count: x.count)
    for i in x.indices {
      // Below epsilon the divisor is a constant; above it is the norm, which x changes too.
      dx[i] =
        norm <= Double(epsilon)
        ? Double(dy[i]) / Double(epsilon)
        : Double(dy[i]) / norm - Double(x[i]) * product / (norm * norm * norm)
    }
    return dx
  }

  /// Derivatives by q[Q,E], k[L,E] and v[L,E] of the attention of one head, true values.
  ///
  /// - Parameters:
  ///   - q: q[Q,E].
  ///   - k: k[L,E].
  ///   - v: v[L,E].
  ///   - width: E.
  ///   - scale: What the scores are multiplied by.
  ///   - kept: What each weight [Q,L] is multiplied by after the softmax.
  ///   - dy: The derivative by the output, [Q,E].
  /// - Returns: The three derivatives.
  package static func attentionGradient(
    q: [Float], k: [Float], v: [Float], width: Int, scale: Float, kept: [Double], _ dy: [Float]
  ) -> (q: [Double], k: [Double], v: [Double]) {
    let (queries, keys) = (q.count / width, k.count / width)
    func product(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int) -> Double {
      var sum = 0.0
      for e in 0..<width { sum += Double(a[i * width + e]) * Double(b[j * width + e]) }
      return sum
    }
    var result = (
      q: [Double](repeating: 0, count: q.count), k: [Double](repeating: 0, count: k.count),
      v: [Double](repeating: 0, count: v.count)
    )
    for i in 0..<queries {
      var scores = [Double](repeating: 0, count: keys)
      for j in 0..<keys { scores[j] = product(q, i, k, j) * Double(scale) }
      let weights = softmax(scores)
      // The derivatives by the weights, and their mean under the weights.
      var slopes = [Double](repeating: 0, count: keys)
      var mean = 0.0
      for j in 0..<keys {
        slopes[j] = product(dy, i, v, j) * kept[i * keys + j]
        mean += weights[j] * slopes[j]
      }
      for j in 0..<keys {
        let slope = weights[j] * (slopes[j] - mean) * Double(scale)
        for e in 0..<width {
          result.v[j * width + e] += weights[j] * kept[i * keys + j] * Double(dy[i * width + e])
          result.q[i * width + e] += slope * Double(k[j * width + e])
          result.k[j * width + e] += slope * Double(q[i * width + e])
        }
      }
    }
    return result
  }
}
