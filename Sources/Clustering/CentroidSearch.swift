import Kernels
import Workers

/// Finds the centroid of each vector: the one with the largest score, of equal ones the first.
///
/// A score is the inner product, in sixteen lanes (`Kernels.dot`), plus the centroid's offset. What is
/// found is what comparing every vector with every centroid finds, to the last bit, whatever the
/// vectors beside it and the threads; most centroids are excluded by bounds of their scores, though,
/// which take a quarter of the dimensions (`ShortForm`; cf. SuperKMeans, arXiv:2603.20009, whose bounds
/// hold with high probability).
package struct CentroidSearch: Sendable {
  package let centroids: Centroids
  private let form: ShortForm
  private let short: Short
  private let kernels: Kernels

  /// Vectors that are compared at a time.
  static let block = 128
  /// Centroids that they are compared with at a time.
  private static let step = 256

  /// Unchecked: written by its owner's initialiser alone.
  private final class Short: @unchecked Sendable {
    /// short[count, width].
    let buffer: AlignedBuffer
    init(_ buffer: AlignedBuffer) { self.buffer = buffer }
  }

  package init(_ centroids: Centroids, _ kernels: Kernels) {
    let form = centroids.values.withUnsafeBufferPointer { values in
      ShortForm(
        MatrixView(
          values.baseAddress.unsafelyUnwrapped, rows: centroids.count,
          columns: centroids.dimension), kernels)
    }
    self.init(centroids, form, kernels)
  }

  init(_ centroids: Centroids, _ form: ShortForm, _ kernels: Kernels) {
    self.centroids = centroids
    self.form = form
    self.kernels = kernels
    let buffer = AlignedBuffer(count: centroids.count * form.width)
    form.shorten(
      centroids: centroids, into: buffer.matrix(rows: centroids.count, columns: form.width))
    short = Short(buffer)
  }

  /// Centroids of vectors[count, dimension], and the scores that they have.
  package func assign(
    _ vectors: MatrixView, _ pool: WorkerPool
  ) -> (centroids: [Int32], scores: [Float]) {
    var ids = [Int32](repeating: -1, count: vectors.rows)
    var scores = [Float](repeating: -.infinity, count: vectors.rows)
    assign(vectors, shortened: nil, pool, &ids, &scores)
    return (ids, scores)
  }

  /// Finds centroids anew.
  ///
  /// - Parameters:
  ///   - vectors: vectors[count, dimension].
  ///   - shortened: Their short form; nil to have it made.
  ///   - pool: Who does it.
  ///   - ids: A guess of each, -1 for none; what is found takes its place.
  ///   - scores: Filled with scores.
  package func assign(
    _ vectors: MatrixView, shortened: MatrixView?, _ pool: WorkerPool, _ ids: inout [Int32],
    _ scores: inout [Float]
  ) {
    precondition(
      vectors.columns == centroids.dimension && ids.count == vectors.rows
        && scores.count == vectors.rows, "\(vectors.rows) vectors of \(vectors.columns)")
    let rooms = WorkerLocal(pool) { Room(form.width, centroids.count) }
    ids.withUnsafeMutableBufferPointer { ids in
      scores.withUnsafeMutableBufferPointer { scores in
        centroids.values.withUnsafeBufferPointer { values in
          pool.forEachUnchecked((vectors.rows + Self.block - 1) / Self.block) { index, worker in
            let rows = index * Self.block..<min((index + 1) * Self.block, vectors.rows)
            rooms.with(worker) { room in
              assign(
                Block(
                  vectors: vectors.rows(rows), centroids: values,
                  ids: UnsafeMutableBufferPointer(rebasing: ids[rows]),
                  scores: UnsafeMutableBufferPointer(rebasing: scores[rows])),
                shortened?.rows(rows), room)
            }
          }
        }
      }
    }
  }

  /// What a worker needs besides.
  private final class Room {
    let short: AlignedBuffer
    let packed: AlignedBuffer
    let products: AlignedBuffer
    let found: ScanResults
    let most = AlignedBuffer(count: CentroidSearch.block)
    let places = UnsafeMutablePointer<Int32>.allocate(capacity: CentroidSearch.block)

    init(_ width: Int, _ centroids: Int) {
      let most = min(centroids, CentroidSearch.step) * CentroidSearch.block
      products = AlignedBuffer(count: most)
      found = ScanResults(capacity: most)
      short = AlignedBuffer(count: CentroidSearch.block * width)
      packed = AlignedBuffer(
        count: PackedMatrix.memoryCount(rows: CentroidSearch.block, columns: width))
    }

    deinit { places.deallocate() }
  }

  /// Some vectors, and what is known of them.
  private struct Block {
    let vectors: MatrixView
    let centroids: UnsafeBufferPointer<Float>
    let ids: UnsafeMutableBufferPointer<Int32>
    let scores: UnsafeMutableBufferPointer<Float>
  }

  private func assign(_ block: Block, _ shortened: MatrixView?, _ room: Room) {
    let count = block.vectors.rows
    var shortened = shortened
    if shortened == nil {
      let target = room.short.matrix(rows: count, columns: form.width)
      form.shorten(vectors: block.vectors, into: target)
      shortened = target.view
    }
    guard let shortened else { return }
    let packed = PackedMatrix(rows: count, columns: form.width, memory: room.packed)
    for panel in 0..<packed.panels {
      packed.fill(
        panel: panel, shortened.base, rowStride: shortened.stride, columnStride: 1,
        kernels: kernels)
    }
    // Without a guess, the largest bound is the best one.
    let guesses = count > 0 && block.ids[0] < 0
    for row in 0..<count where !guesses {
      let id = block.ids[row]
      block.scores[row] = score(block, row, Int(id))
    }
    let all = short.buffer.matrix(rows: centroids.count, columns: form.width).view
    for start in stride(from: 0, to: centroids.count, by: Self.step) {
      let range = start..<min(start + Self.step, centroids.count)
      let products = room.products.matrix(rows: range.count, columns: count)
      kernels.multiply(all.rows(range), packed, into: products)
      if guesses {
        kernels.argmaxRows(products.view, into: room.most.pointer, room.places)
        for row in 0..<count where !(room.most.pointer[row] < block.scores[row]) {
          offer(block, row, start + Int(room.places[row]))
        }
      }
      kernels.select(products.view, thresholds: Array(block.scores), into: room.found)
      for place in 0..<room.found.count {
        let (centroid, row, bound) = room.found[place]
        // Most of what was found with an old score is below the new one.
        if !(bound < block.scores[row]) { offer(block, row, start + centroid) }
      }
    }
    // Scores that are no numbers are larger than none.
    for row in 0..<count where block.ids[row] < 0 { block.ids[row] = 0 }
  }

  private func offer(_ block: Block, _ row: Int, _ centroid: Int) {
    let score = score(block, row, centroid)
    if score > block.scores[row] || score == block.scores[row] && Int32(centroid) < block.ids[row] {
      block.scores[row] = score
      block.ids[row] = Int32(centroid)
    }
  }

  private func score(_ block: Block, _ row: Int, _ centroid: Int) -> Float {
    let dimension = centroids.dimension
    let product = kernels.dot(
      UnsafeBufferPointer(
        start: block.vectors.base + row * block.vectors.stride, count: dimension),
      UnsafeBufferPointer(
        rebasing: block.centroids[centroid * dimension..<(centroid + 1) * dimension]))
    return product + centroids.offsets[centroid]
  }
}
