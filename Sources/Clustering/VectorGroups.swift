import Kernels
import Workers

/// Vectors by the centroid that they belong to, each group in the order of vectors.
package struct VectorGroups {
  /// Where each group begins in `rows`, and where the last one ends.
  private let offsets: [Int]
  private let rows: [Int32]

  package init(_ ids: [Int32], count: Int) {
    var offsets = [Int](repeating: 0, count: count + 1)
    for id in ids { offsets[Int(id) + 1] += 1 }
    for group in 0..<count { offsets[group + 1] += offsets[group] }
    var next = offsets
    var rows = [Int32](repeating: 0, count: ids.count)
    for (row, id) in ids.enumerated() {
      rows[next[Int(id)]] = Int32(row)
      next[Int(id)] += 1
    }
    self.offsets = offsets
    self.rows = rows
  }

  /// Vectors that are added in single precision before their sum is added to others.
  private static let part = 64

  /// Puts the mean of each group in the place of its centroid; an empty group keeps its own.
  ///
  /// Sums are made in parts of 64 vectors in single precision, and of these in double precision.
  func means(
    _ vectors: MatrixView, into values: inout [Float], _ kernels: Kernels, _ pool: WorkerPool
  ) {
    let dimension = vectors.columns
    let rooms = WorkerLocal(pool) { AlignedBuffer(count: dimension) }
    values.withUnsafeMutableBufferPointer { values in
      rows.withUnsafeBufferPointer { rows in
        pool.forEachUnchecked(offsets.count - 1) { group, worker in
          let range = offsets[group]..<offsets[group + 1]
          if range.isEmpty { return }
          var sum = [Double](repeating: 0, count: dimension)
          rooms.with(worker) { room in
            for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.part) {
              room.pointer.update(repeating: 0, count: dimension)
              for place in start..<min(start + Self.part, range.upperBound) {
                let row = Int(rows[place])
                kernels.addRows(vectors.rows(row..<row + 1), to: room.pointer)
              }
              for i in 0..<dimension { sum[i] += Double(room.pointer[i]) }
            }
          }
          let scale = 1 / Double(range.count)
          for i in 0..<dimension { values[group * dimension + i] = Float(sum[i] * scale) }
        }
      }
    }
  }

  /// How far the halves of a group are put from where it was.
  private static let step: Float = 1 / 1024

  /// Gives each empty group half of the largest one: both centroids move a little, to opposite sides.
  package func split(_ values: inout [Float], _ dimension: Int) {
    var sizes = zip(offsets, offsets.dropFirst()).map { $1 - $0 }
    for empty in sizes.indices where sizes[empty] == 0 {
      guard let most = sizes.max(), most > 1, let largest = sizes.firstIndex(of: most) else {
        return
      }
      for i in 0..<dimension {
        let value = values[largest * dimension + i]
        let step = i % 2 == 0 ? Self.step : -Self.step
        values[empty * dimension + i] = value * (1 + step)
        values[largest * dimension + i] = value * (1 - step)
      }
      sizes[empty] = most / 2
      sizes[largest] = most - most / 2
    }
  }
}
