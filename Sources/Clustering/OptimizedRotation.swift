import Failures
import Kernels
import LinearAlgebra
import Workers

/// A rotation after which the parts of vectors are coded with less error.
///
/// Ge, He, Ke and Sun, "Optimized Product Quantization", IEEE TPAMI 36, 2014: by turns the codes for a
/// rotation, and the rotation that brings vectors nearest to what their codes stand for.
package struct OptimizedRotation: Sendable {
  package let dimension: Int
  /// rows[dimension, dimension], orthogonal: a rotated vector's numbers are its products with them.
  package let rows: [Float]
  private let packed: PackedMatrix

  /// - Parameters:
  ///   - rows: rows[dimension, dimension], orthogonal.
  ///   - dimension: Numbers of a vector.
  ///   - kernels: What multiplies.
  package init(_ rows: [Float], dimension: Int, _ kernels: Kernels) {
    precondition(rows.count == dimension * dimension, "\(rows.count) numbers of a rotation")
    self.rows = rows
    self.dimension = dimension
    packed = PackedMatrix(rows, rows: dimension, columns: dimension, kernels: kernels)
  }

  /// Vectors rotated: vectors[n, dimension].
  package func callAsFunction(_ vectors: [Float], _ kernels: Kernels) -> [Float] {
    var rotated = [Float](repeating: 0, count: vectors.count)
    let count = vectors.count / dimension
    if count == 0 { return [] }
    vectors.withUnsafeBufferPointer { vectors in
      rotated.withUnsafeMutableBufferPointer { rotated in
        kernels.multiply(
          MatrixView(vectors.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension),
          packed,
          into: MutableMatrixView(
            rotated.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension))
      }
    }
    return rotated
  }

  /// Turns of codes and rotation.
  private static let turns = 8
  /// Rounds of k-means of a turn, and those of the quantiser in the end.
  private static let (roundsOfTurn, rounds) = (3, 25)

  /// Learns a rotation, and the quantiser of what it rotates.
  ///
  /// - Parameters:
  ///   - vectors: vectors[n, dimension].
  ///   - dimension: Numbers of a vector.
  ///   - parts: Parts of a vector.
  ///   - entries: Centroids of each.
  ///   - seed: Chooses where k-means begins.
  ///   - library: LAPACK.
  ///   - kernels: What multiplies.
  ///   - pool: Who does it.
  /// - Returns: Both.
  /// - Throws: 70 where a decomposition does not converge.
  package static func learned(
    from vectors: [Float], dimension: Int, parts: Int, entries: Int, seed: UInt64,
    _ library: LinearAlgebra, _ kernels: Kernels, _ pool: WorkerPool
  ) throws(Failure) -> (rotation: OptimizedRotation, quantizer: ProductQuantizer) {
    var rotation = try balanced(vectors, dimension, parts, library, kernels)
    var quantizer: ProductQuantizer?
    for turn in 0...turns {
      let rotated = rotation(vectors, kernels)
      let isLast = turn == turns
      let next = rotated.withMatrix(columns: dimension) {
        ProductQuantizer.learned(
          from: $0, parts: parts, entries: entries, rounds: isLast ? rounds : roundsOfTurn,
          seed: seed, after: quantizer, kernels, pool)
      }
      quantizer = next
      if isLast { return (rotation, next) }
      let codes = rotated.withMatrix(columns: dimension) { next.codes(of: $0, pool) }
      let products = products(next.decoded(codes), vectors, dimension, kernels)
      let decomposition = try SingularValueDecomposition(products, size: dimension, library)
      rotation = OptimizedRotation(
        decomposition.rotation.map { Float($0) }, dimension: dimension, kernels)
    }
    preconditionFailure("the last turn returns")
  }

  /// Principal directions, shared out so that the products of variances in the parts are near each
  /// other: the best rotation for vectors that are normally distributed.
  private static func balanced(
    _ vectors: [Float], _ dimension: Int, _ parts: Int, _ library: LinearAlgebra,
    _ kernels: Kernels
  ) throws(Failure) -> OptimizedRotation {
    let decomposition = try SingularValueDecomposition(
      products(vectors, vectors, dimension, kernels), size: dimension, library)
    let width = dimension / parts
    var (logarithms, members) = (
      [Double](repeating: 0, count: parts), [[Int]](repeating: [], count: parts)
    )
    // The exponent is part of a logarithm that no library computes. Relative to the least, so that more
    // is never less.
    func logarithm(_ value: Double) -> Double {
      let value = max(value, .leastNormalMagnitude)
      return Double(value.exponent) + value.significand
    }
    let least = logarithm(decomposition.values.last ?? 0)
    for (direction, value) in decomposition.values.enumerated() {
      let open = (0..<parts).filter { members[$0].count < width }
      guard let part = open.min(by: { (logarithms[$0], $0) < (logarithms[$1], $1) }) else { break }
      members[part].append(direction)
      logarithms[part] += logarithm(value) - least
    }
    var rows: [Float] = []
    for direction in members.flatMap({ $0 }) {
      rows += decomposition.vt[direction * dimension..<(direction + 1) * dimension].map {
        Float($0)
      }
    }
    return OptimizedRotation(rows, dimension: dimension, kernels)
  }

  /// aᵀ b of a[n, dimension] and b[n, dimension], but for a factor: products[dimension, dimension].
  private static func products(
    _ a: [Float], _ b: [Float], _ dimension: Int, _ kernels: Kernels
  ) -> [Double] {
    let count = a.count / dimension
    // So that no product of large or small numbers is lost.
    let largest = a.reduce(0) { max($0, abs($1)) }
    let factor =
      largest.isNormal ? Float(sign: .plus, exponent: -largest.exponent, significand: 1) : 1
    let (left, right) = (AlignedBuffer(count: a.count), AlignedBuffer(count: b.count))
    for (values, target) in [(a, left), (b, right)] {
      values.map { $0 * factor }.withMatrix(columns: dimension) {
        kernels.transpose($0, into: target.matrix(rows: dimension, columns: count))
      }
    }
    let products = AlignedBuffer(count: dimension * dimension)
    kernels.multiply(
      left.matrix(rows: dimension, columns: count).view,
      PackedMatrix(right.pointer, rows: dimension, columns: count, kernels: kernels),
      into: products.matrix(rows: dimension, columns: dimension))
    return (0..<dimension * dimension).map { Double(products.pointer[$0]) }
  }
}

extension [Float] {
  /// The array as a matrix of so many columns, while `body` runs.
  package func withMatrix<R>(columns: Int, _ body: (MatrixView) -> R) -> R {
    withUnsafeBufferPointer { buffer in
      body(
        MatrixView(
          buffer.baseAddress.unsafelyUnwrapped, rows: buffer.count / columns, columns: columns))
    }
  }
}
