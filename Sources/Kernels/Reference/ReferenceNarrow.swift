extension Reference {
  /// x to the nearest bfloat16, ties to even; a number below 2⁻¹²⁶ to a zero of its sign.
  package static func roundedToBF16(_ x: Float) -> Float {
    if x.isNaN { return x }
    let low = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
    let high = Float(bitPattern: low.bitPattern &+ 0x1_0000)
    let below = (x - low).magnitude
    let above = (high - x).magnitude
    let isOdd = low.bitPattern & 0x1_0000 != 0
    let nearest = below < above || (below == above && !isOdd) ? low : high
    // The step to infinity has no middle; beyond the largest number by half of its step it begins.
    if low.isFinite, high.isInfinite { return x.magnitude < 0x1.FFp+127 ? low : high }
    return flushed(x.isInfinite ? x : nearest)
  }

  private static func flushed(_ x: Float) -> Float {
    x.magnitude < .leastNormalMagnitude ? (x.sign == .minus ? -0.0 : 0.0) : x
  }

  /// c[M,N] = a[M,K] · w[N,K]ᵀ + bias[N] of bfloat16, with the bits of the kernels.
  package static func multiplyBF16(
    _ a: [Float], _ w: [Float], bias: [Float]?, rows m: Int, outputs n: Int, inputs k: Int
  ) -> [Float] {
    let (a, w) = (a.map(roundedToBF16), w.map(roundedToBF16))
    var c = [Float](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum: Float = 0
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
        let sum = zip(row.steps, output.steps).reduce(0) { $0 + ($1.0 - row.zero) * $1.1 }
        let value = Float(sum) * (output.scale * row.scale)
        c[i * n + j] = bias.map { value + $0[j] } ?? value
      }
    }
    return c
  }
}
