import Clustering
import KernelReference
import Kernels

/// Vectors for the tests of this target.
struct Points {
  var values: [Float]
  let dimension: Int
  var count: Int { values.count / dimension }

  /// Vectors around centres, most of whose length lies in few dimensions.
  init(_ count: Int, dimension: Int, centres: Int, seed: UInt64, scale: Float = 1) {
    let random = CounterRandom(seed: seed)
    self.dimension = dimension
    values = (0..<count * dimension).map { place in
      let (row, column) = (place / dimension, place % dimension)
      let centre = random.normal(at: UInt64(row % centres * dimension + column))
      let own = CounterRandom(seed: seed, stream: 1).normal(at: UInt64(place))
      return scale * (centre + own / 2) / Float(1 + column / 4)
    }
  }

  subscript(row: Int) -> [Float] { Array(values[row * dimension..<(row + 1) * dimension]) }

  func withMatrix<R>(_ body: (MatrixView) -> R) -> R {
    values.withUnsafeBufferPointer {
      body(MatrixView($0.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension))
    }
  }
}

/// The centroid of each vector by comparison with all of them: the plainest text.
func nearest(_ points: Points, _ centroids: Centroids) -> (ids: [Int32], scores: [UInt32]) {
  var (ids, scores): ([Int32], [UInt32]) = ([], [])
  for row in 0..<points.count {
    var (best, id): (Float, Int) = (-.infinity, 0)
    for centroid in 0..<centroids.count {
      let product = Reference.dot(points[row], Array(centroids[centroid]))
      let score = product + centroids.offsets[centroid]
      if score > best { (best, id) = (score, centroid) }
    }
    ids.append(Int32(id))
    scores.append(best.bitPattern)
  }
  return (ids, scores)
}

let instances = InstructionSet.supported.map { Kernels($0) }
