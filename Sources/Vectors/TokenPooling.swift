import Kernels

/// Fewer vectors a document: those that are near each other become their mean, as PyLate 1.6.0 pools
/// them (`models/colbert.py`, `pool_embeddings_hierarchical`; arXiv:2409.14683).
///
/// The first vector stays as it is. Of the n others as many groups are made as `factor` goes into n;
/// the distance of two vectors is 1 less their product.
package enum TokenPooling {
  /// The pooled vectors of a document.
  ///
  /// - Parameters:
  ///   - values: vectors[count, width].
  ///   - width: Numbers of a vector.
  ///   - factor: How many become one; 1 for none.
  ///   - kernels: What multiplies.
  /// - Returns: The first vector, and the means of the groups.
  package static func pooled(
    _ values: [Float], width: Int, factor: Int, _ kernels: Kernels
  ) -> [Float] {
    let count = values.count / width - 1
    guard count >= 2, max(count / factor, 1) < count else { return values }
    let groups = max(count / factor, 1)
    let others = Array(values[width...])
    let labels = WardClusters(distances(others, count, width, kernels), count: count)
      .labels(atMost: groups)
    var sums = [Float](repeating: 0, count: groups * width)
    var sizes = [Float](repeating: 0, count: groups)
    for (row, label) in labels.enumerated() {
      sizes[label] += 1
      for i in 0..<width { sums[label * width + i] += others[row * width + i] }
    }
    var pooled = Array(values[..<width])
    for label in 0..<groups where sizes[label] > 0 {
      pooled += sums[label * width..<(label + 1) * width].map { $0 / sizes[label] }
    }
    return pooled
  }

  /// 1 less the products of all pairs, in single precision.
  private static func distances(
    _ values: [Float], _ count: Int, _ width: Int, _ kernels: Kernels
  ) -> [Double] {
    let products = AlignedBuffer(count: count * count)
    values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      kernels.multiply(
        MatrixView(base, rows: count, columns: width),
        PackedMatrix(base, rows: count, columns: width, kernels: kernels),
        into: products.matrix(rows: count, columns: count))
    }
    return (0..<count * count).map { place in
      // One product stands for both of its places, whatever the order of their factors.
      let (row, column) = (place / count, place % count)
      return Double(1 - products.pointer[min(row, column) * count + max(row, column)])
    }
  }
}
