extension Reference {
  /// What a vertex knows of a neighbour: a sign for each number, what is added to a sum of signs, and
  /// what that is multiplied by, with the bits of the kernels.
  package static func neighbour(
    _ x: [Float], of p: [Float]
  ) -> (signs: [Bool], offset: Float, scale: Float) {
    let rest = zip(x, p).map { $0 - $1 }
    let (size, square) = (laneSum(rest.map(abs)), dot(rest, rest))
    let along = laneSum(zip(rest, p).map { $0 < 0 ? -$1 : $1 })
    let by = size > 0 ? square / size : 0
    return (rest.map { !($0 < 0) }, square.addingProduct(2 * by, along), -2 * by)
  }

  /// ‖x − y‖², with the bits of the kernels.
  package static func squaredDistance(_ x: [Float], _ y: [Float]) -> Float {
    let rest = zip(x, y).map { $0 - $1 }
    return dot(rest, rest)
  }

  /// The rotation of the kernels, with their bits.
  ///
  /// - Parameters:
  ///   - vector: Numbers, a multiple of 64.
  ///   - signs: signs[rounds, width].
  ///   - rounds: How often.
  /// - Returns: The rotated numbers.
  package static func rotate(_ vector: [Float], signs: [Float], rounds: Int) -> [Float] {
    var x = vector
    let width = x.count
    var window = 1
    while 2 * window <= width { window *= 2 }
    for round in 0..<rounds {
      for i in 0..<width { x[i] *= signs[round * width + i] }
      let first = round % 2 == 0 ? 0 : width - window
      var half = 1
      while half < window {
        for i in 0..<window where i & half == 0 {
          let (a, b) = (x[first + i], x[first + i + half])
          x[first + i] = a + b
          x[first + i + half] = a - b
        }
        half *= 2
      }
      let scale = 1 / Float(window).squareRoot()
      for i in first..<first + window { x[i] *= scale }
      if window == width { continue }
      for i in 0..<width / 2 {
        let (a, b) = (x[i], x[i + width / 2])
        x[i] = (a + b) * 0.70710678
        x[i + width / 2] = (a - b) * 0.70710678
      }
    }
    return x
  }
}
