/// Ward's hierarchical clustering of some points by their distances (Ward, JASA 58, 1963), cut into
/// clusters as scipy's `fcluster` with `maxclust` does it.
///
/// Nearest-neighbour chains with the update of Lance and Williams, in double precision, as scipy's
/// `linkage` has it (`scipy/cluster/_hierarchy.pyx`, `nn_chain`).
package struct WardTree {
  /// Two nodes that become one: below `count` points, from there on merges in order.
  private struct Merge {
    var left: Int
    var right: Int
    var height: Double
  }

  private let count: Int
  private var merges: [Merge] = []

  /// - Parameters:
  ///   - count: Number of points, at least one.
  ///   - distance: The distance of two points.
  package init(count: Int, _ distance: (Int, Int) -> Double) {
    self.count = count
    merges = Self.labelled(Self.chains(count, distance), count)
  }

  /// Merges of clusters that go by one of their points, in the order in which chains find them.
  private static func chains(_ count: Int, _ distance: (Int, Int) -> Double) -> [Merge] {
    var distances = [Double](repeating: 0, count: count * count)
    for a in 0..<count {
      for b in 0..<a {
        let value = distance(a, b)
        distances[a * count + b] = value
        distances[b * count + a] = value
      }
    }
    var sizes = [Int](repeating: 1, count: count)
    var chain: [Int] = []
    var merges: [Merge] = []
    for _ in 0..<count - 1 {
      if chain.isEmpty, let first = sizes.firstIndex(where: { $0 > 0 }) { chain.append(first) }
      var (x, y, least) = (0, 0, Double.infinity)
      while true {
        x = chain[chain.count - 1]
        // The last one of the chain counts first, so that equal distances end it.
        if chain.count > 1 {
          y = chain[chain.count - 2]
          least = distances[x * count + y]
        } else {
          least = .infinity
        }
        for i in 0..<count where sizes[i] > 0 && i != x && distances[x * count + i] < least {
          least = distances[x * count + i]
          y = i
        }
        if chain.count > 1, y == chain[chain.count - 2] { break }
        chain.append(y)
      }
      chain.removeLast(2)
      if x > y { swap(&x, &y) }
      merges.append(Merge(left: x, right: y, height: least))
      merge(x, into: y, least, &sizes, &distances)
    }
    return merges
  }

  private static func merge(
    _ x: Int, into y: Int, _ height: Double, _ sizes: inout [Int], _ distances: inout [Double]
  ) {
    let count = sizes.count
    let (a, b) = (Double(sizes[x]), Double(sizes[y]))
    sizes[x] = 0
    sizes[y] = Int(a + b)
    for i in 0..<count where sizes[i] > 0 && i != y {
      let size = Double(sizes[i])
      let (dx, dy) = (distances[i * count + x], distances[i * count + y])
      let scale = 1 / (a + b + size)
      let value =
        ((size + a) * scale * dx * dx + (size + b) * scale * dy * dy
        - size * scale * height * height).squareRoot()
      distances[i * count + y] = value
      distances[y * count + i] = value
    }
  }

  /// The merges by height, between nodes instead of points.
  private static func labelled(_ merges: [Merge], _ count: Int) -> [Merge] {
    // The order of equal heights is that of the chains.
    let order = merges.indices.sorted { (merges[$0].height, $0) < (merges[$1].height, $1) }
    var parents = Array(0..<2 * count)
    func root(_ node: Int) -> Int {
      var node = node
      while parents[node] != node { node = parents[node] }
      return node
    }
    return order.enumerated().map { number, index in
      let (a, b) = (root(merges[index].left), root(merges[index].right))
      parents[a] = count + number
      parents[b] = count + number
      return Merge(left: min(a, b), right: max(a, b), height: merges[index].height)
    }
  }

  /// Members of the clusters, at most `limit` of them: those below the least height that leaves no
  /// more, in the order in which the tree is walked.
  package func clusters(atMost limit: Int) -> [[Int]] {
    guard limit < count, !merges.isEmpty else { return (0..<count).map { [$0] } }
    let height = merges[count - limit - 1].height
    var clusters: [[Int]] = []
    // Nodes to visit, each with whether its cluster is open already.
    var waiting = [(node: 2 * count - 2, isInside: false)]
    while let (node, isInside) = waiting.popLast() {
      guard node >= count else {
        if isInside { clusters[clusters.count - 1].append(node) } else { clusters.append([node]) }
        continue
      }
      let merge = merges[node - count]
      let begins = !isInside && merge.height <= height
      if begins { clusters.append([]) }
      // What comes last is visited first: nodes go before points.
      for isPoint in [true, false] {
        for child in [merge.right, merge.left] where (child < count) == isPoint {
          waiting.append((child, isInside || begins))
        }
      }
    }
    return clusters
  }
}
