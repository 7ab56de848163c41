import Kernels
import Workers

/// Vectors as numbers of centroids, one for each of some equal parts of a vector.
///
/// Jégou, Douze and Schmid, "Product Quantization for Nearest Neighbor Search", IEEE TPAMI 33, 2011.
package struct ProductQuantizer: Sendable {
  /// Parts of a vector.
  package let parts: Int
  /// Centroids of a part: 16 or 256.
  package let entries: Int
  package let dimension: Int
  /// values[parts, entries, dimension / parts].
  package let values: [Float]
  private let searches: [CentroidSearch]
  /// values[parts, dimension / parts, entries]: a number of all centroids of a part side by side.
  private let columns: [Float]

  /// Numbers of a part.
  package var width: Int { dimension / parts }

  /// - Parameters:
  ///   - values: values[parts, entries, dimension / parts], finite.
  ///   - parts: Parts of a vector, a divisor of `dimension`.
  ///   - entries: Centroids of each.
  ///   - dimension: Numbers of a vector.
  ///   - kernels: What compares.
  package init(
    _ values: [Float], parts: Int, entries: Int, dimension: Int, _ kernels: Kernels
  ) {
    precondition(
      dimension % parts == 0 && values.count == entries * dimension && entries <= 256,
      "\(values.count) numbers for \(parts) parts of \(dimension)")
    self.values = values
    self.parts = parts
    self.entries = entries
    self.dimension = dimension
    let width = dimension / parts
    let size = entries * width
    var columns = [Float](repeating: 0, count: values.count)
    for (place, value) in values.enumerated() {
      let (entry, number) = (place % size / width, place % width)
      columns[place / size * size + number * entries + entry] = value
    }
    self.columns = columns
    searches = (0..<parts).map { part in
      CentroidSearch(
        Centroids(
          Array(values[part * size..<(part + 1) * size]), dimension: dimension / parts,
          nearness: .distance), kernels)
    }
  }

  /// Learns centroids of each part by k-means; of fewer vectors than entries, some are there again and
  /// again.
  ///
  /// - Parameters:
  ///   - vectors: vectors[n, dimension], at least one.
  ///   - parts: Parts of a vector.
  ///   - entries: Centroids of each.
  ///   - rounds: Rounds of k-means at most.
  ///   - seed: Chooses where they begin; each part has its own.
  ///   - earlier: Where they begin instead.
  ///   - kernels: What multiplies.
  ///   - pool: Who does it.
  /// - Returns: The quantiser.
  package static func learned(
    from vectors: MatrixView, parts: Int, entries: Int, rounds: Int, seed: UInt64,
    after earlier: ProductQuantizer? = nil, _ kernels: Kernels, _ pool: WorkerPool
  ) -> ProductQuantizer {
    let width = vectors.columns / parts
    var values: [Float] = []
    for part in 0..<parts {
      let wanted = min(entries, vectors.rows)
      let means = KMeans(wanted, rounds: rounds, seed: seed &+ UInt64(part))
      let own = vectors.columns(part * width..<(part + 1) * width)
      let start = part * entries * width
      let starts = earlier.map { Array($0.values[start..<start + wanted * width]) }
      let found = means(own, from: starts, kernels, pool).centroids.values
      values += found
      for _ in wanted..<entries { values += found.suffix(width) }
    }
    return ProductQuantizer(
      values, parts: parts, entries: entries, dimension: vectors.columns, kernels)
  }

  /// Codes of vectors[n, dimension]: codes[n, parts], the nearest centroid of each part.
  package func codes(of vectors: MatrixView, _ pool: WorkerPool) -> [UInt8] {
    var codes = [UInt8](repeating: 0, count: vectors.rows * parts)
    for part in 0..<parts {
      let found = searches[part].assign(
        vectors.columns(part * width..<(part + 1) * width), pool)
      for (row, id) in found.centroids.enumerated() { codes[row * parts + part] = UInt8(id) }
    }
    return codes
  }

  /// What codes[n, parts] stand for: vectors[n, dimension].
  package func decoded(_ codes: [UInt8]) -> [Float] {
    var vectors: [Float] = []
    vectors.reserveCapacity(codes.count / parts * dimension)
    for (place, code) in codes.enumerated() {
      let start = (place % parts * entries + Int(code)) * width
      vectors += values[start..<start + width]
    }
    return vectors
  }

  /// Products of a vector's parts with all centroids: products[parts, entries].
  package func products(of vector: [Float]) -> [Float] {
    precondition(vector.count == dimension, "\(vector.count) numbers, \(dimension) expected")
    var products = [Float](repeating: 0, count: parts * entries)
    let (width, entries) = (width, entries)
    columns.withUnsafeBufferPointer { columns in
      vector.withUnsafeBufferPointer { vector in
        products.withUnsafeMutableBufferPointer { products in
          // A sum is over the numbers of a part in order, those of all centroids at once.
          for place in 0..<dimension {
            let (own, column) = (place / width * entries, place * entries)
            let number = vector[place]
            for entry in 0..<entries { products[own + entry] += columns[column + entry] * number }
          }
        }
      }
    }
    return products
  }
}
