import Kernels

/// Directions along which vectors are longest, by subspace iteration on their products (Golub and Van
/// Loan, Matrix Computations, 8.2.4).
///
/// They need not be exact: what is said of the rest of a vector holds for any directions Q of spectral
/// norm at most 1, since I − QᵀQ then has no negative eigenvalue. They are scaled down for that.
package struct PrincipalDirections: Sendable {
  package let count: Int
  package let dimension: Int
  /// rows[count, dimension].
  package let rows: [Float]

  private static let rounds = 4
  /// Vectors that are looked at.
  private static let sample = 2048
  private static let stream: UInt64 = 0x6469_7265_6374
  /// More than rounding to single precision can add to a length.
  private static let shrinking = 1 - 0x1p-14

  /// Finds directions; nil where numbers are too large for products of them.
  ///
  /// - Parameters:
  ///   - vectors: Some vectors; at most 2048 of them, evenly spread, are looked at.
  ///   - count: Directions that are wanted, fewer than numbers of a vector.
  ///   - kernels: What multiplies.
  package init?(_ vectors: MatrixView, count: Int, _ kernels: Kernels) {
    let dimension = vectors.columns
    precondition(count > 0 && count < dimension, "\(count) directions of \(dimension)")
    self.count = count
    self.dimension = dimension
    let products = Self.products(vectors, kernels)
    let packed = PackedMatrix(
      products.pointer, rows: dimension, columns: dimension, kernels: kernels)
    let random = CounterRandom(seed: 0, stream: Self.stream)
    var rows = (0..<count * dimension).map { random.bits(at: UInt64($0)) & 1 == 0 ? 1.0 : -1.0 }
    let (narrow, turned) = (
      AlignedBuffer(count: rows.count), AlignedBuffer(count: rows.count)
    )
    for _ in 0..<Self.rounds {
      Self.orthonormalize(&rows, count, dimension)
      for place in rows.indices { narrow.pointer[place] = Float(rows[place]) }
      kernels.multiply(
        narrow.matrix(rows: count, columns: dimension).view, packed,
        into: turned.matrix(rows: count, columns: dimension))
      for place in rows.indices { rows[place] = Double(turned.pointer[place]) }
    }
    Self.orthonormalize(&rows, count, dimension)
    self.rows = rows.map { Float($0 * Self.shrinking) }
    if !self.rows.allSatisfy(\.isFinite) { return nil }
  }

  /// Sums of products of all pairs of numbers, [dimension, dimension].
  private static func products(_ vectors: MatrixView, _ kernels: Kernels) -> AlignedBuffer {
    let (dimension, used) = (vectors.columns, min(vectors.rows, sample))
    let rows = AlignedBuffer(count: used * dimension)
    for place in 0..<used {
      (rows.pointer + place * dimension).update(
        from: vectors.base + place * vectors.rows / used * vectors.stride, count: dimension)
    }
    let columns = AlignedBuffer(count: used * dimension)
    kernels.transpose(
      rows.matrix(rows: used, columns: dimension).view,
      into: columns.matrix(rows: dimension, columns: used))
    let products = AlignedBuffer(count: dimension * dimension)
    kernels.multiply(
      columns.matrix(rows: dimension, columns: used).view,
      PackedMatrix(columns.pointer, rows: dimension, columns: used, kernels: kernels),
      into: products.matrix(rows: dimension, columns: dimension))
    return products
  }

  /// Makes rows orthogonal and of unit length; one that depends on those before it becomes zero.
  private static func orthonormalize(_ rows: inout [Double], _ count: Int, _ dimension: Int) {
    rows.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for row in 0..<count {
        let own = base + row * dimension
        let before = length(own, dimension)
        // Once leaves what was lost to rounding; twice is enough.
        for _ in 0..<2 {
          for other in 0..<row {
            let along = base + other * dimension
            var product = 0.0
            for i in 0..<dimension { product += own[i] * along[i] }
            for i in 0..<dimension { own[i] -= product * along[i] }
          }
        }
        let after = length(own, dimension)
        let scale = after > before * 1e-9 ? 1 / after : 0
        for i in 0..<dimension { own[i] *= scale }
      }
    }
  }

  private static func length(_ row: UnsafePointer<Double>, _ count: Int) -> Double {
    var square = 0.0
    for i in 0..<count { square += row[i] * row[i] }
    return square.squareRoot()
  }
}
