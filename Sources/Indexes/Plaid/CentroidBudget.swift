import Kernels

/// How many centroids the vectors of each token get.
///
/// A token's share is that of its vectors' squared distances from their mean, which is what centroids
/// make smaller; tokens whose share is less than one centroid have theirs together with all others
/// (after TACHIOM, arXiv:2604.28142, which allots centroids to tokens by their frequency).
struct CentroidBudget {
  /// Vectors of a token, or of all tokens without centroids of their own.
  struct Group {
    /// nil for those.
    var token: Int32?
    /// Places of the vectors.
    var members: [Int32]
    /// Centroids that they get; at most as many as there are vectors, and at least one.
    var centroids: Int
  }

  /// The group of all other tokens first, then tokens ascending.
  let groups: [Group]

  /// - Parameters:
  ///   - vectors: The sample.
  ///   - tokens: The token of each vector; nothing where there are none, or they do not count.
  ///   - total: Centroids that are wanted.
  init(_ vectors: MatrixView, tokens: [Int32], total: Int) {
    var members: [Int32: [Int32]] = [:]
    for (row, token) in tokens.enumerated() { members[token, default: []].append(Int32(row)) }
    let names = members.keys.sorted()
    let spreads = names.map { Self.spread(vectors, members[$0] ?? []) }
    let sum = spreads.reduce(0, +)
    var own: [Group] = []
    var others: [Int32] = tokens.isEmpty ? Array(0..<Int32(vectors.rows)) : []
    var left = total
    for (name, spread) in zip(names, spreads) {
      guard let rows = members[name] else { continue }
      let share = sum > 0 ? Int(Double(total) * spread / sum) : 0
      let wanted = min(share, rows.count / Self.fewest)
      // One centroid is kept for tokens that are seen later.
      if wanted >= 1, wanted < left {
        own.append(Group(token: name, members: rows, centroids: wanted))
        left -= wanted
      } else {
        others += rows
      }
    }
    others.sort()
    groups =
      [Group(token: nil, members: others, centroids: max(1, min(left, others.count)))] + own
  }

  /// Vectors for a centroid of a token's own.
  private static let fewest = 2

  /// Sum of squared distances from the mean.
  private static func spread(_ vectors: MatrixView, _ rows: [Int32]) -> Double {
    var means = [Double](repeating: 0, count: vectors.columns)
    var squares = 0.0
    for row in rows {
      let own = vectors.base + Int(row) * vectors.stride
      for column in 0..<vectors.columns {
        let value = Double(own[column])
        means[column] += value
        squares += value * value
      }
    }
    let mean = means.reduce(0) { $0 + $1 * $1 }
    return max(0, squares - mean / Double(max(rows.count, 1)))
  }
}
