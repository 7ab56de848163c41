import Clustering
import Kernels
import Vectors
import Workers

/// Finds the nearest centroid of each vector among those of its token.
struct CentroidAssignment: Sendable {
  private let codebook: PlaidCodebook
  private let kernels: Kernels
  /// Centroids in single precision, all of them.
  private let values: [Float]
  private let halfSquares: [Float]
  /// Groups of many centroids, which are searched with bounds.
  private let large: [Int: CentroidSearch]

  /// Centroids of a group from which on they are searched with bounds.
  private static let many = 128

  init(_ codebook: PlaidCodebook, _ kernels: Kernels) {
    self.codebook = codebook
    self.kernels = kernels
    let width = codebook.width
    var values = [Float](repeating: 0, count: codebook.count * width)
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for centroid in 0..<codebook.count {
        codebook.decode(centroid, into: base + centroid * width)
      }
    }
    var large: [Int: CentroidSearch] = [:]
    for group in 0..<codebook.starts.count - 1 {
      let range = codebook.centroids(group)
      guard range.count >= Self.many else { continue }
      large[group] = CentroidSearch(
        Centroids(
          Array(values[range.lowerBound * width..<range.upperBound * width]), dimension: width,
          nearness: .distance), kernels)
    }
    self.values = values
    self.large = large
    halfSquares = codebook.halfSquares
  }

  /// The numbers of a centroid.
  func withCentroid<R>(_ centroid: Int, _ body: (UnsafePointer<Float>) -> R) -> R {
    values.withUnsafeBufferPointer {
      body($0.baseAddress.unsafelyUnwrapped + centroid * codebook.width)
    }
  }

  /// The centroids of vectors[count, width]; `tokens` has the token of each, or nothing.
  func assign(_ vectors: MatrixView, tokens: [Int32], _ pool: WorkerPool) -> [Int32] {
    var found = [Int32](repeating: 0, count: vectors.rows)
    var members: [Int: [Int32]] = [:]
    if tokens.isEmpty || codebook.tokens.isEmpty {
      members[0] = Array(0..<Int32(vectors.rows))
    } else {
      for (row, token) in tokens.enumerated() {
        members[codebook.group(of: token), default: []].append(Int32(row))
      }
    }
    let groups = members.keys.sorted()
    found.withUnsafeMutableBufferPointer { found in
      let small = groups.filter { large[$0] == nil }
      pool.forEachUnchecked(small.count) { index, _ in
        let range = codebook.centroids(small[index])
        for row in members[small[index]] ?? [] {
          found[Int(row)] = Int32(nearest(vectors.base + Int(row) * vectors.stride, among: range))
        }
      }
      for group in groups {
        guard let search = large[group], let rows = members[group] else { continue }
        let gathered = AlignedBuffer(count: rows.count * vectors.columns)
        for (place, row) in rows.enumerated() {
          (gathered.pointer + place * vectors.columns).update(
            from: vectors.base + Int(row) * vectors.stride, count: vectors.columns)
        }
        let first = codebook.starts[group]
        let matrix = gathered.matrix(rows: rows.count, columns: vectors.columns).view
        let nearest = withExtendedLifetime(gathered) { search.assign(matrix, pool).centroids }
        for (row, centroid) in zip(rows, nearest) { found[Int(row)] = first + centroid }
      }
    }
    return found
  }

  /// The nearest of some centroids; of equally near ones the first.
  private func nearest(_ vector: UnsafePointer<Float>, among range: Range<Int>) -> Int {
    if range.count == 1 { return range.lowerBound }
    let own = UnsafeBufferPointer(start: vector, count: codebook.width)
    var (best, most) = (range.lowerBound, -Float.infinity)
    for centroid in range {
      let product = withCentroid(centroid) {
        kernels.dot(own, UnsafeBufferPointer(start: $0, count: codebook.width))
      }
      let score = product - halfSquares[centroid]
      if score > most { (best, most) = (centroid, score) }
    }
    return best
  }
}
