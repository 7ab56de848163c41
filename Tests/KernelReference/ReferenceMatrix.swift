extension Reference {
  /// c[M,N] = a[M,K] · w[N,K]ᵀ + bias[N], with the bits of the kernels.
  package static func multiply(
    _ a: [Float], _ w: [Float], bias: [Float]?, rows m: Int, outputs n: Int, inputs k: Int
  ) -> [Float] {
    var c = [Float](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        var sum: Float = 0
        for l in 0..<k { sum.addProduct(a[i * k + l], w[j * k + l]) }
        c[i * n + j] = bias.map { sum + $0[j] } ?? sum
      }
    }
    return c
  }

  /// out[N] = max over M of c[M,N], NaN where a column has one.
  package static func maxOverRows(_ c: [Float], rows m: Int, columns n: Int) -> [Float] {
    var out = [Float](repeating: -.infinity, count: n)
    for i in 0..<m {
      for j in 0..<n where !(out[j].isNaN || out[j] > c[i * n + j]) { out[j] = c[i * n + j] }
    }
    return out
  }
}
