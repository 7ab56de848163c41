import Glibc
import Kernels

/// Attention whose scores compare contents with positions, too (He et al., arXiv:2006.03654):
/// q·k, and q·(key of the distance), and (query of the distance)·k.
package struct DisentangledOptions: Sendable {
  /// H.
  package let heads: Int
  /// Factor of the scores.
  package let scale: Float
  package let buckets: DistanceBuckets
  /// Share of the weights that training drops.
  package let dropout: Float

  package init(heads: Int, scale: Float, buckets: DistanceBuckets, dropout: Float) {
    self.heads = heads
    self.scale = scale
    self.buckets = buckets
    self.dropout = dropout
  }
}

/// Rows of a table of 2·span distances for the distances between tokens.
package struct DistanceBuckets: Sendable {
  /// Rows of one direction.
  package let span: Int
  /// Distances that have rows of their own, on both sides together; 0 for all.
  private let exact: Int
  /// Distance that has the last row.
  private let greatest: Int

  package init(span: Int, exact: Int, greatest: Int) {
    self.span = span
    self.exact = exact
    self.greatest = greatest
  }

  /// Row of a query at `distance` = query − key behind the key.
  ///
  /// Near distances have a row each, others share rows of logarithmically growing ranges, in single
  /// precision as the reference has it: transformers `models/deberta_v2/modeling_deberta_v2.py`,
  /// `make_log_bucket_position`.
  package func row(_ distance: Int) -> Int {
    var bucket = distance
    let middle = exact / 2
    if exact > 0, greatest > 0, abs(distance) > middle {
      let share =
        logf(Float(abs(distance)) / Float(middle))
        / logf(Float(Double(greatest - 1) / Double(middle)))
      let size = (share * Float(middle - 1)).rounded(.up) + Float(middle)
      bucket = distance < 0 ? -Int(size) : Int(size)
    }
    return min(max(bucket + span, 0), 2 * span - 1)
  }

  /// Rows for the distances −(count − 1)…count − 1 of key to query, at the index distance + count − 1.
  func rows(_ count: Int) -> [Int] { (1 - count..<count).map { row($0) } }
}

/// One head of one sequence: its numbers, laid out for products.
struct DisentangledHead {
  let kernels: Kernels
  let options: DisentangledOptions
  /// q[L,E], k[L,E] and v[L,E].
  let queries, keys, values: MatrixView
  /// Keys and queries of the distances, [2S,E]; nil where scores do not have them.
  let keysOfDistances, queriesOfDistances: MatrixView?
  /// 0 for a key that nobody attends to; nil for none.
  let keep: ArraySlice<UInt8>?
  /// Row of the distance of query i and key j, at i − j + L − 1.
  let rows: [Int]

  var length: Int { queries.rows }

  /// a[M,K] · b[N,K]ᵀ.
  func product(_ a: MatrixView, _ b: MatrixView) -> [Float] {
    var out = [Float](repeating: 0, count: a.rows * b.rows)
    let packed = PackedMatrix(
      b.base, rows: b.rows, columns: b.columns, rowStride: b.stride, kernels: kernels)
    out.withUnsafeMutableBufferPointer { out in
      guard let base = out.baseAddress else { return }
      kernels.multiply(a, packed, into: MutableMatrixView(base, rows: a.rows, columns: b.rows))
    }
    return out
  }

  /// a[M,K] · b[K,N].
  func product(_ a: MatrixView, plain b: MatrixView, into out: MutableMatrixView) {
    let packed = PackedMatrix(
      b.base, rows: b.columns, columns: b.rows, rowStride: 1, columnStride: b.stride,
      kernels: kernels)
    kernels.multiply(a, packed, into: out)
  }

  /// Weights [L,L] of the attention.
  func weights() -> [Float] {
    var scores = product(queries, keys)
    let (count, span) = (length, 2 * options.buckets.span)
    let byKeys = keysOfDistances.map { product(queries, $0) }
    let byQueries = queriesOfDistances.map { product(keys, $0) }
    for i in 0..<count {
      for j in 0..<count {
        var score = scores[i * count + j]
        let row = rows[i - j + count - 1]
        if let byKeys { score += byKeys[i * span + row] }
        if let byQueries { score += byQueries[j * span + row] }
        scores[i * count + j] = score * options.scale
      }
      if let keep, keep.contains(where: { $0 != 0 }) {
        for (j, kept) in keep.enumerated() where kept == 0 { scores[i * count + j] = -.infinity }
      }
    }
    scores.withUnsafeMutableBufferPointer { scores in
      guard let base = scores.baseAddress else { return }
      let view = MutableMatrixView(base, rows: count, columns: count)
      kernels.softmaxRows(view.view, into: view)
    }
    return scores
  }

  /// Adds, for the derivative by every score, that of each row of distances: by those of queries
  /// [L,2S], and of keys [L,2S].
  func byDistances(_ slopes: [Float]) -> (queries: [Float], keys: [Float]) {
    let (count, span) = (length, 2 * options.buckets.span)
    var queries = [Float](repeating: 0, count: count * span)
    var keys = queries
    for i in 0..<count {
      for j in 0..<count {
        let (slope, row) = (slopes[i * count + j], rows[i - j + count - 1])
        queries[i * span + row] += slope
        keys[j * span + row] += slope
      }
    }
    return (queries, keys)
  }
}

extension Array where Element == Float {
  /// The elements as rows of a width; valid within `body`.
  func withRows<R>(_ columns: Int, _ body: (MatrixView) -> R) -> R {
    withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("a matrix of nothing") }
      return body(MatrixView(base, rows: count / columns, columns: columns))
    }
  }

  /// The transpose of rows[N,M] of a width.
  func turned(_ columns: Int) -> [Float] {
    let rows = count / columns
    var turned = [Float](repeating: 0, count: count)
    for i in 0..<rows { for j in 0..<columns { turned[j * rows + i] = self[i * columns + j] } }
    return turned
  }
}
