import Glibc

extension Reference {
  /// x to the nearest bfloat16, ties to even; a number below 2⁻¹²⁶ to a zero of its sign, also one
  /// that would round to 2⁻¹²⁶.
  package static func roundedToBF16(_ x: Float) -> Float {
    if x.isNaN { return x }
    if x.magnitude < .leastNormalMagnitude { return flushed(x) }
    let low = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
    let high = Float(bitPattern: low.bitPattern &+ 0x1_0000)
    let below = (x - low).magnitude
    let above = (high - x).magnitude
    let isOdd = low.bitPattern & 0x1_0000 != 0
    let nearest = below < above || (below == above && !isOdd) ? low : high
    // The step to infinity has no middle; beyond the largest number by half of its step it begins.
    if low.isFinite, high.isInfinite { return x.magnitude < 0x1.FFp+127 ? low : high }
    return x.isInfinite ? x : nearest
  }

  private static func flushed(_ x: Float) -> Float {
    x.magnitude < .leastNormalMagnitude ? (x.sign == .minus ? -0.0 : 0.0) : x
  }

  /// c[M,N] = start[M,N] + a[M,K] · w[N,K]ᵀ + bias[N] of bfloat16, with the bits of the kernels.
  ///
  /// - Parameters:
  ///   - a: a[M,K].
  ///   - w: w[N,K].
  ///   - bias: bias[N], if there is one.
  ///   - start: What the sums go on from; zeros where it is left out.
  ///   - m: M.
  ///   - n: N.
  ///   - k: K.
  /// - Returns: c[M,N].
  package static func multiplyBF16(
    _ a: [Float], _ w: [Float], bias: [Float]?, start: [Float]? = nil, rows m: Int, outputs n: Int,
    inputs k: Int
  ) -> [Float] {
    let (a, w) = (a.map(roundedToBF16), w.map(roundedToBF16))
    var c = [Float](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum = flushed(start?[i * n + j] ?? 0)
        for l in 0..<k {
          sum.addProduct(a[i * k + l], w[j * k + l])
          sum = flushed(sum)
        }
        c[i * n + j] = bias.map { sum + $0[j] } ?? sum
      }
    }
    return c
  }

  /// A row of activations as 0…255, what a step is worth, and which step stands for zero.
  package static func steps(_ x: [Float]) -> (steps: [Int], scale: Float, zero: Int) {
    let least = min(x.min() ?? 0, 0)
    let range = max(x.max() ?? 0, 0) - least
    // A smaller range has no finite inverse.
    let inverse = range >= 0x1p-100 ? 255 / range : 0
    let zero = Int((-least * inverse).rounded(.toNearestOrEven))
    let steps = x.map { value in
      // One rounding, ties to even counted from zero.
      let exact = Double(value) * Double(inverse) + Double(zero)
      return max(0, min(255, Int(exact.rounded(.toNearestOrEven))))
    }
    return (steps, range / 255, zero)
  }

  /// Weights of an output as −127…127, and what a step is worth.
  package static func signedSteps(_ w: [Float]) -> (steps: [Int], scale: Float) {
    let most = w.map(\.magnitude).max() ?? 0
    let inverse = most >= 0x1p-100 ? 127 / most : 0
    let steps = w.map { max(-127, min(127, Int(($0 * inverse).rounded(.toNearestOrEven)))) }
    return (steps, most / 127)
  }

  /// c[M,N] = a[M,K] · w[N,K]ᵀ + bias[N] of bytes, with the bits of the kernels.
  package static func multiplyInt8(
    _ a: [Float], _ w: [Float], bias: [Float]?, rows m: Int, outputs n: Int, inputs k: Int
  ) -> [Float] {
    let outputs = (0..<n).map { signedSteps(Array(w[$0 * k..<($0 + 1) * k])) }
    var c = [Float](repeating: 0, count: m * n)
    for i in 0..<m {
      let row = steps(Array(a[i * k..<(i + 1) * k]))
      for (j, output) in outputs.enumerated() {
        var sum = 0
        for l in 0..<k { sum += (row.steps[l] - row.zero) * output.steps[l] }
        let value = Float(sum) * (output.scale * row.scale)
        c[i * n + j] = bias.map { value + $0[j] } ?? value
      }
    }
    return c
  }

  /// x · Φ(x) by the polynomial that follows narrow products, with the bits of the kernels.
  package static func coarseGELU(_ x: Float) -> Float {
    let above = max(x, -4)
    let inner = min(above, 4)
    let square = inner * inner
    let coefficients: [Float] = [
      -0x1.aa7f58p-20, 0x1.90ac28p-15, -0x1.a9d1f4p-11, 0x1.1f2b2ap-7, -0x1.086a36p-4,
      0x1.976b4ep-2,
    ]
    let p = coefficients.reduce(0x1.840ff6p-26) { $1.addingProduct($0, square) }
    return above * Float(0.5).addingProduct(inner, p)
  }

  /// 2ˣ for x ≤ 0 as attention has it in narrow precision, with the bits of the kernels.
  package static func coarseExp2(_ x: Float) -> Float {
    let x = max(x, -160)
    let whole = x.rounded(.toNearestOrEven)
    let coefficients: [Float] = [0x1.f0de1cp-3, 0x1.62f31ap-1, 0x1.fff692p-1]
    let p = coefficients.reduce(0x1.c3f760p-5) { $1.addingProduct($0, x - whole) }
    return scalbn(p, Int(whole))
  }

  /// out[Q,E] = softmax over L of (scale · q[Q,E] · k[L,E]ᵀ + added) · v[L,E] for one head, with the
  /// bits of the kernels in narrow precision; every query has a key.
  ///
  /// - Parameters:
  ///   - q: q[Q,E].
  ///   - k: k[L,E].
  ///   - v: v[L,E].
  ///   - width: E.
  ///   - scale: What the scores are multiplied by.
  ///   - added: What is added to the score of a query and a key; nil where it is not attended to.
  /// - Returns: out[Q,E].
  package static func narrowAttention(
    q: [Float], k: [Float], v: [Float], width: Int, scale: Float,
    added: (_ query: Int, _ key: Int) -> Float?
  ) -> [Float] {
    let (binary, keys) = (scale * 0x1.715476p+0, k.count / width)
    let scores = multiplyBF16(
      q.map { $0 * binary }, k, bias: nil, rows: q.count / width, outputs: keys, inputs: width)
    var transposed = [Float](repeating: 0, count: width * keys)
    for e in 0..<width {
      for j in 0..<keys { transposed[e * keys + j] = v[j * width + e] }
    }
    var out: [Float] = []
    for i in 0..<q.count / width {
      var row = [Float](repeating: -.infinity, count: keys)
      for j in 0..<keys {
        if let added = added(i, j) { row[j] = scores[i * keys + j] + added * 0x1.715476p+0 }
      }
      let most = row.max() ?? 0
      var weights = [Float](repeating: 0, count: keys)
      var sums: (even: Float, odd: Float) = (0, 0)
      for j in 0..<keys {
        weights[j] = coarseExp2(row[j] - most)
        if j % 2 == 0 { sums.even += weights[j] } else { sums.odd += weights[j] }
      }
      let context = multiplyBF16(
        weights, transposed, bias: nil, rows: 1, outputs: width, inputs: keys)
      for e in 0..<width { out.append(context[e] * (1 / (sums.even + sums.odd))) }
    }
    return out
  }
}
