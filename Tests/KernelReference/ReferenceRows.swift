extension Reference {
  /// Σ x in sixteen lanes, lane j taking x[j], x[j + 16], …; then lanes i and i + 8, 4, 2, 1.
  package static func laneSum(_ x: [Float]) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for (i, value) in x.enumerated() { lanes[i % 16] += value }
    return tree(lanes)
  }

  /// Σ x[i] · y[i] in sixteen lanes.
  package static func dot(_ x: [Float], _ y: [Float]) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for i in x.indices { lanes[i % 16].addProduct(x[i], y[i]) }
    return tree(lanes)
  }

  private static func tree(_ lanes: [Float]) -> Float {
    var lanes = lanes
    for step in [8, 4, 2, 1] {
      for i in 0..<step { lanes[i] += lanes[i + step] }
    }
    return lanes[0]
  }

  /// (x[D] − mean) / √(variance + epsilon) · weight[D] + bias[D], with the bits of the kernels.
  package static func layerNorm(
    _ x: [Float], weight: [Float], bias: [Float]?, epsilon: Float
  ) -> [Float] {
    let count = Float(x.count)
    let mean = laneSum(x) / count
    let deviations = x.map { $0 - mean }
    let factor = 1 / (dot(deviations, deviations) / count + epsilon).squareRoot()
    return x.indices.map { i in
      let y = deviations[i] * factor
      return bias.map { $0[i].addingProduct(y, weight[i]) } ?? y * weight[i]
    }
  }

  /// (x[D] − mean) / √(variance + epsilon) · weight[D] + bias[D], true value.
  package static func trueLayerNorm(
    _ x: [Float], weight: [Float], bias: [Float], epsilon: Float
  ) -> [Double] {
    let (mean, variance) = moments(x)
    let factor = 1 / (variance + Double(epsilon)).squareRoot()
    var y = [Double](repeating: 0, count: x.count)
    for i in x.indices {
      y[i] = (Double(x[i]) - mean) * factor * Double(weight[i]) + Double(bias[i])
    }
    return y
  }

  /// Mean and variance of x[D], true values.
  static func moments(_ x: [Float]) -> (mean: Double, variance: Double) {
    var mean = 0.0
    for value in x { mean += Double(value) }
    mean /= Double(x.count)
    var variance = 0.0
    for value in x { variance += (Double(value) - mean) * (Double(value) - mean) }
    return (mean, variance / Double(x.count))
  }

  /// x[D] / √(mean of x² + epsilon) · weight[D], with the bits of the kernels.
  package static func rmsNorm(_ x: [Float], weight: [Float], epsilon: Float) -> [Float] {
    let factor = 1 / (dot(x, x) / Float(x.count) + epsilon).squareRoot()
    return x.indices.map { x[$0] * factor * weight[$0] }
  }

  /// x[N] / max(‖x‖₂, epsilon), with the bits of the kernels.
  package static func l2Normalize(_ x: [Float], epsilon: Float) -> [Float] {
    let norm = dot(x, x).squareRoot()
    let divisor = epsilon > norm ? epsilon : norm
    return x.map { $0 / divisor }
  }
}
