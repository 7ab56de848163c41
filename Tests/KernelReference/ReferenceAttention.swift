import Glibc

extension Reference {
  /// out[Q,E] = softmax over L of (scale · q[Q,E] · k[L,E]ᵀ + added) · v[L,E] for one head, true
  /// value; the mean of v where a query has no key.
  ///
  /// - Parameters:
  ///   - q: q[Q,E].
  ///   - k: k[L,E].
  ///   - v: v[L,E].
  ///   - width: E.
  ///   - scale: What the scores are multiplied by.
  ///   - added: What is added to the score of a query and a key; nil where it is not attended to.
  /// - Returns: out[Q,E].
  package static func attention(
    q: [Float], k: [Float], v: [Float], width: Int, scale: Float,
    added: (_ query: Int, _ key: Int) -> Double?
  ) -> [Double] {
    let queries = q.count / width
    let keys = k.count / width
    var out = [Double](repeating: 0, count: queries * width)
    for i in 0..<queries {
      var scores = [Double](repeating: -.infinity, count: keys)
      var isEmpty = true
      for j in 0..<keys {
        guard let added = added(i, j) else { continue }
        var product = 0.0
        for e in 0..<width { product += Double(q[i * width + e]) * Double(k[j * width + e]) }
        scores[j] = product * Double(scale) + added
        if scores[j] != -.infinity { isEmpty = false }
      }
      var weights = [Double](repeating: 1 / Double(keys), count: keys)
      if !isEmpty { weights = softmax(scores) }
      for j in 0..<keys where weights[j] != 0 {
        for e in 0..<width { out[i * width + e] += weights[j] * Double(v[j * width + e]) }
      }
    }
    return out
  }

  /// x[E] of one head turned by the angles [E/2], true value.
  package static func rotate(_ x: [Float], angles: [Double]) -> [Double] {
    let half = angles.count
    var turned = [Double](repeating: 0, count: 2 * half)
    for i in 0..<half {
      let (first, second) = (Double(x[i]), Double(x[i + half]))
      turned[i] = first * cos(angles[i]) - second * sin(angles[i])
      turned[i + half] = second * cos(angles[i]) + first * sin(angles[i])
    }
    return turned
  }
}
