/// The score of two sparse vectors.
package struct SparseComparison: Sendable {
  private let similarity: Similarity

  package init(_ similarity: Similarity) { self.similarity = similarity }

  /// The score of a query's and a document's terms.
  package func score(_ a: SparseVector, _ b: SparseVector) -> Float {
    switch similarity {
    case .dot: return Self.dot(a, b)
    case .cosine:
      return Self.dot(a, b) / (max(Self.norm(a), Self.epsilon) * max(Self.norm(b), Self.epsilon))
    case .l2: return -Self.distance(a, b)
    }
  }

  /// Smallest length that each of the two vectors is divided by, as
  /// torch.nn.functional.cosine_similarity has it.
  package static let epsilon: Float = 1e-8

  package static func norm(_ vector: SparseVector) -> Float { dot(vector, vector).squareRoot() }

  /// Euclidean distance, the squares summed in double precision in order.
  private static func distance(_ a: SparseVector, _ b: SparseVector) -> Float {
    var sum = 0.0
    walk(a, b) { x, y in
      let difference = Double(x) - Double(y)
      sum += difference * difference
    }
    return Float(sum.squareRoot())
  }

  /// Σ over the common terms, ascending, fused: the bits of a search.
  private static func dot(_ a: SparseVector, _ b: SparseVector) -> Float {
    var sum: Float = 0
    walk(a, b) { x, y in sum.addProduct(x, y) }
    return sum
  }

  /// Calls `body` with the two weights of every term of either, ascending; 0 where one lacks it.
  private static func walk(
    _ a: SparseVector, _ b: SparseVector, _ body: (Float, Float) -> Void
  ) {
    var (i, j) = (0, 0)
    while i < a.indices.count || j < b.indices.count {
      let x = i < a.indices.count ? a.indices[i] : .max
      let y = j < b.indices.count ? b.indices[j] : .max
      body(x <= y ? a.values[i] : 0, y <= x ? b.values[j] : 0)
      if x <= y { i += 1 }
      if y <= x { j += 1 }
    }
  }
}
