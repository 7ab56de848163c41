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
      let scores = (0..<keys).map { j -> Double in
        guard let added = added(i, j) else { return -.infinity }
        return (0..<width).reduce(0) { sum, e in
          sum + Double(q[i * width + e]) * Double(k[j * width + e])
        } * Double(scale) + added
      }
      let isEmpty = scores.allSatisfy { $0 == -.infinity }
      let weights = isEmpty ? scores.map { _ in 1 / Double(keys) } : softmax(scores)
      for (j, weight) in weights.enumerated() where weight != 0 {
        for e in 0..<width { out[i * width + e] += weight * Double(v[j * width + e]) }
      }
    }
    return out
  }

  /// x[E] of one head turned by the angles [E/2], true value.
  package static func rotate(_ x: [Float], angles: [Double]) -> [Double] {
    let half = angles.count
    return x.indices.map { i in
      let angle = angles[i % half]
      return i < half
        ? Double(x[i]) * cos(angle) - Double(x[i + half]) * sin(angle)
        : Double(x[i]) * cos(angle) + Double(x[i - half]) * sin(angle)
    }
  }
}
