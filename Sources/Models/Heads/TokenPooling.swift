import JSON
import Tensors
import Vectors

/// Fewer vectors of a text: those that are near each other become their mean (sentence-transformers
/// `multi_vector_encoder/modules/token_pooling.py`, `HierarchicalTokenPooling`).
package struct TokenPooling: Sendable, Equatable {
  /// How many vectors become one, on average.
  package var factor: Double
  /// Vectors at the start that stay what they are.
  package var protected: Int
  /// Whether the vectors are brought to length 1.
  package var normalizes: Bool
  /// Roles whose texts have fewer vectors.
  package var roles: Set<Role>

  var fact: JSON {
    [
      "factor": .double(factor), "protected": .integer(protected),
      "normalize": .bool(normalizes),
      "roles": .array(roles.map(\.rawValue).sorted().map { .string($0) }),
    ]
  }

  func merged(_ set: VectorSet, _ role: Role, width: Int) -> VectorSet {
    guard roles.contains(role), !set.values.isEmpty else { return set }
    var rows = stride(from: 0, to: set.values.count, by: width).map {
      Array(set.values[$0..<$0 + width])
    }
    let first = min(protected, rows.count)
    let own = Array(rows[first...])
    let clusters = max(Int(Double(own.count) / factor), 1)
    if factor > 1, clusters < own.count {
      rows = Array(rows[..<first]) + Self.means(own, clusters)
    }
    if normalizes { rows = rows.map(Self.normalized) }
    var result = set
    result.ids = []
    result.values = rows.flatMap { $0 }
    return result
  }

  private static func means(_ rows: [[Float]], _ clusters: Int) -> [[Float]] {
    let tree = WardTree(count: rows.count) { a, b in
      let cosine = zip(rows[a], rows[b]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
      return Double(min(max(1 - cosine, 0), 2))
    }
    return tree.clusters(atMost: clusters).map { members in
      var sum = [Float](repeating: 0, count: rows[0].count)
      for member in members { for i in sum.indices { sum[i] += rows[member][i] } }
      return sum.map { $0 / Float(members.count) }
    }
  }

  private static func normalized(_ row: [Float]) -> [Float] {
    let norm = row.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
    return row.map { $0 / max(norm, 1e-12) }
  }
}
