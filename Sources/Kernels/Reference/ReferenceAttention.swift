extension Reference {
  /// out[Q,E] = softmax over L of (scale · q[Q,E] · k[L,E]ᵀ) · v[L,E] for one head, true value.
  ///
  /// - Parameters:
  ///   - q: q[Q,E].
  ///   - k: k[L,E].
  ///   - v: v[L,E].
  ///   - width: E.
  ///   - scale: What the scores are multiplied by.
  ///   - keep: keep[L], 0 for a key that nobody attends to.
  /// - Returns: out[Q,E].
  package static func attention(
    q: [Float], k: [Float], v: [Float], width: Int, scale: Float, keep: [UInt8]?
  ) -> [Double] {
    let queries = q.count / width
    let keys = k.count / width
    var out = [Double](repeating: 0, count: queries * width)
    for i in 0..<queries {
      let scores = (0..<keys).map { j -> Double in
        if let keep, keep[j] == 0 { return -.infinity }
        return (0..<width).reduce(0) { sum, e in
          sum + Double(q[i * width + e]) * Double(k[j * width + e])
        } * Double(scale)
      }
      for (j, weight) in softmax(scores).enumerated() where weight != 0 {
        for e in 0..<width { out[i * width + e] += weight * Double(v[j * width + e]) }
      }
    }
    return out
  }
}
