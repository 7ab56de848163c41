import Failures

/// A = U Σ Vᵀ of a square matrix (LAPACK's dgesdd: Gu and Eisenstat, SIAM Journal on Matrix Analysis and
/// Applications 16, 1995).
package struct SingularValueDecomposition: Sendable {
  package let size: Int
  /// u[size, size] and vt[size, size], rows first.
  package let u: [Double]
  package let vt: [Double]
  /// Descending.
  package let values: [Double]

  /// - Parameters:
  ///   - matrix: a[size, size], rows first, finite.
  ///   - size: Its rows.
  ///   - library: LAPACK.
  /// - Throws: 70 where it does not converge.
  package init(_ matrix: [Double], size: Int, _ library: LinearAlgebra) throws(Failure) {
    precondition(matrix.count == size * size && size > 0, "\(matrix.count) numbers, \(size) rows")
    self.size = size
    // Rows first is the transposed matrix in LAPACK's order: its U is our V.
    var a = matrix
    var values = [Double](repeating: 0, count: size)
    var (left, right) = (
      [Double](repeating: 0, count: size * size), [Double](repeating: 0, count: size * size)
    )
    var n = Int32(size)
    var status: Int32 = 0
    var places = [Int32](repeating: 0, count: 8 * size)
    var wanted = Int32(-1)
    var room = [0.0]
    for _ in 0..<2 {
      library.singularValues(
        "A", &n, &n, &a, &n, &values, &left, &n, &right, &n, &room, &wanted, &places, &status)
      if wanted > 0 { break }
      wanted = Int32(room[0])
      room = [Double](repeating: 0, count: Int(wanted))
    }
    guard status == 0 else {
      throw Failure(.software, "LAPACK: dgesdd ended with \(status)")
    }
    // aᵀ = left Σ right in LAPACK's order, whose arrays are transposed where rows come first.
    (u, vt) = (right, left)
    self.values = values
  }

  /// The orthogonal matrix nearest to the decomposed one, U Vᵀ, rows first: what turns one set of vectors
  /// into another with the least squared error (Schönemann, Psychometrika 31, 1966).
  package var rotation: [Double] {
    var product = [Double](repeating: 0, count: size * size)
    product.withUnsafeMutableBufferPointer { product in
      u.withUnsafeBufferPointer { u in
        vt.withUnsafeBufferPointer { vt in
          for row in 0..<size {
            for k in 0..<size {
              let factor = u[row * size + k]
              for column in 0..<size {
                product[row * size + column] += factor * vt[k * size + column]
              }
            }
          }
        }
      }
    }
    return product
  }
}
