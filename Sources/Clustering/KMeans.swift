import Kernels
import Workers

/// Lloyd's k-means, from vectors that are drawn at random (IEEE Transactions on Information Theory 28,
/// 1982; with `Nearness.product` spherical k-means: Dhillon and Modha, Machine Learning 42, 2001).
///
/// The result depends on vectors and seed alone: vectors are assigned as `CentroidSearch` says, sums are
/// made in the order of vectors, and what is random is a function of its index.
package struct KMeans: Sendable {
  /// Centroids that are wanted.
  package var count: Int
  package var nearness: Centroids.Nearness
  /// Rounds at most: none follows one in which no vector moved.
  package var rounds: Int
  /// Vectors for each centroid that are looked at; of more, so many are drawn.
  package var sample: Int
  package var seed: UInt64

  package init(
    _ count: Int, nearness: Centroids.Nearness = .distance, rounds: Int = 10, sample: Int = 256,
    seed: UInt64
  ) {
    precondition(count > 0 && rounds > 0 && sample > 0, "\(count) centroids in \(rounds) rounds")
    self.count = count
    self.nearness = nearness
    self.rounds = rounds
    self.sample = sample
    self.seed = seed
  }

  private static let drawing: UInt64 = 0x6b6d_6561_6e73

  /// What was found.
  package struct Outcome: Sendable {
    package let centroids: Centroids
    /// Mean of squared distances, or of inner products, at the start of every round: what the centroids
    /// of that moment had.
    package let objectives: [Double]
  }

  /// Groups vectors.
  ///
  /// - Parameters:
  ///   - vectors: vectors[n, dimension], finite, at least as many as centroids are wanted.
  ///   - starts: Where centroids begin; nil for vectors that are drawn.
  ///   - kernels: What multiplies; results are the same for all.
  ///   - pool: Who does it; results are the same for any number of threads.
  /// - Returns: The centroids.
  package func callAsFunction(
    _ vectors: MatrixView, from starts: [Float]? = nil, _ kernels: Kernels, _ pool: WorkerPool
  ) -> Outcome {
    precondition(vectors.rows >= count, "\(count) centroids of \(vectors.rows) vectors")
    precondition(starts.map { $0.count == count * vectors.columns } ?? true, "other centroids")
    // One draw for both: the first are where centroids begin.
    let drawn = draw(min(vectors.rows, max(count, sample * count)), of: vectors.rows)
    var first: [Float] = []
    first.reserveCapacity(count * vectors.columns)
    for row in drawn.prefix(count) {
      first += UnsafeBufferPointer(
        start: vectors.base + Int(row) * vectors.stride, count: vectors.columns)
    }
    if drawn.count == vectors.rows { return refine(vectors, starts ?? first, kernels, pool) }
    let chosen = AlignedBuffer(count: drawn.count * vectors.columns)
    for (place, row) in drawn.sorted().enumerated() {
      (chosen.pointer + place * vectors.columns).update(
        from: vectors.base + Int(row) * vectors.stride, count: vectors.columns)
    }
    let matrix = chosen.matrix(rows: drawn.count, columns: vectors.columns).view
    return withExtendedLifetime(chosen) { refine(matrix, starts ?? first, kernels, pool) }
  }

  /// Different numbers below a total in random order (Fisher and Yates).
  private func draw(_ wanted: Int, of total: Int) -> [Int32] {
    let random = CounterRandom(seed: seed, stream: Self.drawing)
    var numbers = Array(0..<Int32(total))
    for place in 0..<wanted {
      let bits = UInt64(random.bits(at: UInt64(place)))
      numbers.swapAt(place, place + Int((bits * UInt64(total - place)) >> 32))
    }
    return Array(numbers[..<wanted])
  }

  private func refine(
    _ vectors: MatrixView, _ starts: [Float], _ kernels: Kernels, _ pool: WorkerPool
  ) -> Outcome {
    let form = ShortForm(vectors, kernels)
    let short = AlignedBuffer(count: vectors.rows * form.width)
    let shortened = short.matrix(rows: vectors.rows, columns: form.width)
    let block = CentroidSearch.block
    pool.forEachUnchecked((vectors.rows + block - 1) / block) { index, _ in
      let rows = index * block..<min((index + 1) * block, vectors.rows)
      form.shorten(vectors: vectors.rows(rows), into: shortened.rows(rows))
    }
    var values = starts
    bringToSphere(&values, vectors.columns, kernels)
    var ids = [Int32](repeating: -1, count: vectors.rows)
    var scores = [Float](repeating: -.infinity, count: vectors.rows)
    let squares = nearness == .distance ? Self.squares(vectors, kernels) : 0
    var objectives: [Double] = []
    for _ in 0..<rounds {
      let centroids = Centroids(values, dimension: vectors.columns, nearness: nearness)
      let before = ids
      CentroidSearch(centroids, form, kernels).assign(
        vectors, shortened: shortened.view, pool, &ids, &scores)
      let sum = scores.reduce(0.0) { $0 + Double($1) }
      objectives.append(
        (nearness == .distance ? squares - 2 * sum : sum) / Double(vectors.rows))
      if before == ids { break }
      let groups = VectorGroups(ids, count: count)
      groups.means(vectors, into: &values, kernels, pool)
      groups.split(&values, vectors.columns)
      bringToSphere(&values, vectors.columns, kernels)
    }
    return Outcome(
      centroids: Centroids(values, dimension: vectors.columns, nearness: nearness),
      objectives: objectives)
  }

  private func bringToSphere(_ values: inout [Float], _ dimension: Int, _ kernels: Kernels) {
    if nearness == .distance { return }
    values.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let rows = MutableMatrixView(base, rows: count, columns: dimension)
      kernels.l2NormalizeRows(rows.view, epsilon: 1e-12, into: rows)
    }
  }

  private static func squares(_ vectors: MatrixView, _ kernels: Kernels) -> Double {
    var sum = 0.0
    for row in 0..<vectors.rows {
      let own = UnsafeBufferPointer(
        start: vectors.base + row * vectors.stride, count: vectors.columns)
      sum += Double(kernels.dot(own, own))
    }
    return sum
  }
}
