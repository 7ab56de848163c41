/// Groups of vectors that are near each other, by Ward's method on distances that are given (Lance and
/// Williams, The Computer Journal 9, 1967), found along chains of nearest neighbours (Murtagh, The
/// Computer Journal 26, 1983).
///
/// The groups and their order are those of scipy.cluster.hierarchy: `linkage(method="ward")`, then
/// `fcluster(criterion="maxclust")`.
struct WardClusters {
  /// Two groups that become one: rows of vectors, or `count` and more for groups in their order.
  private struct Merge {
    var left: Int
    var right: Int
    var distance: Double
  }

  private let count: Int
  /// Ascending by distance.
  private var merges: [Merge] = []

  /// - Parameters:
  ///   - distances: d[count, count], symmetric.
  ///   - count: Number of vectors.
  init(_ distances: [Double], count: Int) {
    precondition(distances.count == count * count, "distances of \(count) vectors")
    self.count = count
    merges = Self.chains(distances, count)
    // Stable: what was found first comes first.
    merges = merges.enumerated()
      .sorted {
        $0.element.distance != $1.element.distance
          ? $0.element.distance < $1.element.distance : $0.offset < $1.offset
      }.map(\.element)
    number()
  }

  /// Merges of groups that are each other's nearest, in the order in which chains end; a group has the
  /// number of its last row.
  private static func chains(_ distances: [Double], _ count: Int) -> [Merge] {
    var distances = distances
    var sizes = [Double](repeating: 1, count: count)
    var merges: [Merge] = []
    var chain: [Int] = []
    while merges.count < count - 1 {
      if chain.isEmpty { chain.append(sizes.firstIndex { $0 > 0 } ?? 0) }
      var (last, nearest, least) = (chain[chain.count - 1], 0, Double.infinity)
      while true {
        last = chain[chain.count - 1]
        let previous = chain.count > 1 ? chain[chain.count - 2] : nil
        // The one before is preferred, so that chains end.
        (nearest, least) = (0, .infinity)
        if let previous { (nearest, least) = (previous, distances[last * count + previous]) }
        for other in 0..<count where sizes[other] > 0 && other != last {
          if distances[last * count + other] < least {
            (nearest, least) = (other, distances[last * count + other])
          }
        }
        if nearest == previous { break }
        chain.append(nearest)
      }
      chain.removeLast(2)
      let (gone, kept) = (min(last, nearest), max(last, nearest))
      merges.append(Merge(left: gone, right: kept, distance: least))
      let (a, b) = (sizes[gone], sizes[kept])
      sizes[gone] = 0
      sizes[kept] = a + b
      for other in 0..<count where sizes[other] > 0 && other != kept {
        let c = sizes[other]
        let (x, y) = (distances[other * count + gone], distances[other * count + kept])
        let square =
          ((a + c) * x * x + (b + c) * y * y - c * least * least) / (a + b + c)
        let distance = max(0, square).squareRoot()
        distances[other * count + kept] = distance
        distances[kept * count + other] = distance
      }
    }
    return merges
  }

  /// Gives groups their numbers, in the order of merges; the smaller number stands left.
  private mutating func number() {
    var groups = Array(0..<count)
    func root(_ row: Int, _ parents: inout [Int]) -> Int {
      var row = row
      while parents[row] != row {
        parents[row] = parents[parents[row]]
        row = parents[row]
      }
      return row
    }
    var parents = Array(0..<count)
    for place in merges.indices {
      let (a, b) = (root(merges[place].left, &parents), root(merges[place].right, &parents))
      merges[place].left = min(groups[a], groups[b])
      merges[place].right = max(groups[a], groups[b])
      parents[a] = b
      groups[b] = count + place
    }
  }

  /// The group of every vector, where there are at most some groups: numbers from 0 up, in the order
  /// in which a walk from the last merge meets them, groups of several before single vectors.
  func labels(atMost most: Int) -> [Int] {
    var labels = [Int](repeating: 0, count: count)
    if count < 2 { return labels }
    let limit = merges[max(0, min(merges.count - 1, count - most - 1))].distance
    // What is at most so far from each other is one group.
    var next = 0
    func walk(_ node: Int, _ group: Int?) {
      let merge = merges[node - count]
      var group = group
      if group == nil, merge.distance <= limit {
        group = next
        next += 1
      }
      let children = [merge.left, merge.right]
      for child in children where child >= count { walk(child, group) }
      for child in children where child < count {
        labels[child] = group ?? next
        if group == nil { next += 1 }
      }
    }
    walk(2 * count - 2, nil)
    return labels
  }
}
