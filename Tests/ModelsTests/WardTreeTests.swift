import Models
import Testing

/// Clusters against scipy 1.17: `fcluster(linkage(d, "ward"), k, "maxclust") - 1`.
struct WardTreeTests {
  /// The cluster of every point.
  private func labels(_ tree: WardTree, _ limit: Int, count: Int) -> [Int] {
    var labels = [Int](repeating: -1, count: count)
    for (label, members) in tree.clusters(atMost: limit).enumerated() {
      for member in members { labels[member] = label }
    }
    return labels
  }

  @Test func points() {
    let points: [[Double]] = [
      [2.04, -2.56, 0.42], [-0.57, -0.45, -0.22], [-2.02, -0.23, -0.87], [3.32, 0.23, -0.35],
      [-0.28, -0.67, -1.06], [-0.39, 0.48, -0.24], [0.96, -0.2, 0.02], [1.55, 0.55, -0.51],
      [-0.18, 0.54, 1.94],
    ]
    let tree = WardTree(count: points.count) { a, b in
      zip(points[a], points[b]).reduce(0) { $0 + abs($1.0 - $1.1) }
    }
    let expected = [
      1: [0, 0, 0, 0, 0, 0, 0, 0, 0], 2: [1, 0, 0, 1, 0, 0, 1, 1, 0],
      3: [2, 0, 0, 1, 0, 0, 1, 1, 0], 5: [4, 0, 0, 3, 0, 0, 2, 2, 1],
      8: [7, 0, 2, 6, 1, 0, 4, 5, 3], 9: [0, 1, 2, 3, 4, 5, 6, 7, 8],
    ]
    for (limit, labels) in expected {
      #expect(self.labels(tree, limit, count: points.count) == labels, "\(limit)")
    }
  }

  /// Heights that are equal are cut together, so that there may be fewer clusters than asked for.
  @Test func ties() {
    let points: [Double] = [0, 1, 2, 3, 10, 11, 12, 13]
    let tree = WardTree(count: points.count) { abs(points[$0] - points[$1]) }
    #expect(labels(tree, 2, count: 8) == [0, 0, 0, 0, 1, 1, 1, 1])
    #expect(labels(tree, 3, count: 8) == [0, 0, 0, 0, 1, 1, 1, 1])
    #expect(labels(tree, 5, count: 8) == [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(labels(tree, 6, count: 8) == [0, 0, 1, 1, 2, 2, 3, 3])
  }
}
