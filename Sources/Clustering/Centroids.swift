/// Points that stand for groups of vectors, and how far a vector is from each.
package struct Centroids: Sendable {
  /// What makes a vector belong to a centroid.
  package enum Nearness: Sendable {
    /// The smallest Euclidean distance.
    case distance
    /// The largest inner product; the centroids that `KMeans` makes have unit length then.
    case product
  }

  /// values[count, dimension], finite.
  package let values: [Float]
  package let count: Int
  package let dimension: Int
  package let nearness: Nearness
  /// What is added to an inner product, so that the largest sum is the nearest centroid's: −‖c‖²/2
  /// where distances count, else 0.
  package let offsets: [Float]

  /// - Parameters:
  ///   - values: values[count, dimension], finite.
  ///   - dimension: Numbers of each.
  ///   - nearness: What makes a vector belong to one.
  package init(_ values: [Float], dimension: Int, nearness: Nearness) {
    precondition(
      dimension > 0 && !values.isEmpty && values.count % dimension == 0,
      "\(values.count) numbers of centroids of \(dimension)")
    self.values = values
    self.dimension = dimension
    self.nearness = nearness
    count = values.count / dimension
    offsets =
      nearness == .product
      ? [Float](repeating: 0, count: count)
      : (0..<count).map { row in
        var square = 0.0
        for place in row * dimension..<(row + 1) * dimension {
          square += Double(values[place]) * Double(values[place])
        }
        return Float(-square / 2)
      }
  }

  /// The numbers of one centroid.
  package subscript(index: Int) -> ArraySlice<Float> {
    values[index * dimension..<(index + 1) * dimension]
  }
}
