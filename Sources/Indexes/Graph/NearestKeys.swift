/// The least of some keys, and what rounding cannot tell from them.
enum NearestKeys {
  /// The nearest vertices, and those which differ from the last of them by no more than rounding.
  ///
  /// - Parameters:
  ///   - k: How many are wanted.
  ///   - keys: Distances of vertices.
  ///   - rounding: How far a distance may be from what it stands for.
  /// - Returns: The vertices, nearest first.
  static func vertices(
    _ k: Int, of keys: UnsafeMutableBufferPointer<GraphKey>, rounding: (_ distance: Float) -> Float
  ) -> [Int] {
    if keys.count <= k { return keys.map(\.vertex) }
    // A few more than k are kept in order; where those do not do, all are.
    var nearest = least(k + margin, of: keys)
    let last = nearest[k - 1].distance
    let limit = last + rounding(last)
    if let farthest = nearest.last, nearest.count < keys.count, farthest.distance <= limit {
      nearest = keys.sorted()
    }
    let end = nearest[k...].firstIndex { $0.distance > limit } ?? nearest.count
    return nearest[..<end].map(\.vertex)
  }

  private static let margin = 8

  /// The least of some keys, in order.
  private static func least(
    _ count: Int, of keys: UnsafeMutableBufferPointer<GraphKey>
  ) -> [GraphKey] {
    var least: [GraphKey] = []
    least.reserveCapacity(count + 1)
    for key in keys {
      if least.count == count {
        if key >= least[count - 1] { continue }
        least.removeLast()
      }
      var place = least.count
      least.append(key)
      while place > 0, least[place - 1] > key {
        least[place] = least[place - 1]
        place -= 1
      }
      least[place] = key
    }
    return least
  }
}
