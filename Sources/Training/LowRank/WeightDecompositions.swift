import Autograd
import Failures
import Kernels
import LinearAlgebra

/// The largest singular values of a weight W[N,K], with their vectors.
struct SingularPairs {
  private let values: [Double]
  /// u[N] and v[K] of each.
  private let left: [[Double]]
  private let right: [[Double]]

  /// By the matrix of products of the rows, or of the columns where these are fewer: what its
  /// roots lose of small values is far below the largest, which are asked for.
  ///
  /// - Parameters:
  ///   - weight: W[N,K].
  ///   - count: Number of values, at most that of the rows and of the columns.
  /// - Throws: 78 where there is no LAPACK.
  init(_ weight: Parameter, count: Int) throws(Failure) {
    let (rows, columns) = (weight.rows, weight.columns)
    let byRows = rows <= columns
    let (size, inner) = byRows ? (rows, columns) : (columns, rows)
    // w[size, inner] in double precision, so that rows lie one behind the other.
    var w = [Double](repeating: 0, count: size * inner)
    for row in 0..<rows {
      for column in 0..<columns {
        w[byRows ? row * inner + column : column * inner + row] =
          Double(weight.values[row * columns + column])
      }
    }
    var products = [Double](repeating: 0, count: size * size)
    w.withUnsafeBufferPointer { w in
      for i in 0..<size {
        for j in 0...i {
          var sum = 0.0
          for k in 0..<inner { sum += w[i * inner + k] * w[j * inner + k] }
          (products[i * size + j], products[j * size + i]) = (sum, sum)
        }
      }
    }
    let parts = try SingularValueDecomposition(products, size: size, try LinearAlgebra())
    var values: [Double] = []
    var vectors: (own: [[Double]], other: [[Double]]) = ([], [])
    for k in 0..<count {
      let vector = (0..<size).map { parts.u[$0 * size + k] }
      var other = [Double](repeating: 0, count: inner)
      for i in 0..<size {
        for j in 0..<inner { other[j] += vector[i] * w[i * inner + j] }
      }
      let value = other.reduce(0) { $0 + $1 * $1 }.squareRoot()
      values.append(value)
      vectors.own.append(vector)
      vectors.other.append(value > 0 ? other.map { $0 / value } : other)
    }
    self.values = values
    (left, right) =
      byRows ? (vectors.own, vectors.other) : (vectors.other, vectors.own)
  }

  /// A = √(Σ/s) · Vᵀ and B = U · √(Σ/s), s being `scale`.
  func fill(_ down: AlignedBuffer, _ up: AlignedBuffer, scale: Double) {
    let rank = values.count
    for (k, value) in values.enumerated() {
      let root = (value / scale).squareRoot()
      for (i, x) in right[k].enumerated() { down.pointer[k * right[k].count + i] = Float(root * x) }
      for (i, x) in left[k].enumerated() { up.pointer[i * rank + k] = Float(root * x) }
    }
  }
}

/// The first columns of Q and rows of R of a matrix Q · R, by reflections (Householder, Journal of the
/// ACM 5, 1958), with the signs that LAPACK gives them.
struct OrthogonalBasis {
  /// q[count][N].
  private let columns: [[Double]]
  /// r[count][K].
  private let upper: [[Double]]

  /// - Parameters:
  ///   - weight: W[N,K].
  ///   - count: Columns of Q, at most N and at most K.
  init(_ weight: Parameter, count: Int) {
    self.init(
      (0..<weight.rows).map { row in
        (0..<weight.columns).map { Double(weight.values[row * weight.columns + $0]) }
      }, count: count)
  }

  /// All of Q of a square matrix.
  init(_ matrix: [[Double]]) { self.init(matrix, count: matrix.count) }

  private init(_ matrix: [[Double]], count: Int) {
    var a = matrix
    let (rows, width) = (a.count, a[0].count)
    var reflections: [(vector: [Double], factor: Double)] = []
    for k in 0..<count {
      var vector = (k..<rows).map { a[$0][k] }
      let rest = vector.dropFirst().reduce(0) { $0 + $1 * $1 }
      guard rest > 0 else {
        reflections.append((vector, 0))
        continue
      }
      let length = (vector[0] * vector[0] + rest).squareRoot()
      let beta = vector[0] >= 0 ? -length : length
      let factor = (beta - vector[0]) / beta
      let first = vector[0] - beta
      vector = [1] + vector.dropFirst().map { $0 / first }
      reflections.append((vector, factor))
      var sums = [Double](repeating: 0, count: width)
      for i in k..<rows { for j in k..<width { sums[j] += vector[i - k] * a[i][j] } }
      for i in k..<rows { for j in k..<width { a[i][j] -= factor * vector[i - k] * sums[j] } }
    }
    upper = (0..<count).map { k in (0..<width).map { $0 < k ? 0 : a[k][$0] } }
    columns = (0..<count).map { k in
      var column = [Double](repeating: 0, count: rows)
      column[k] = 1
      for (first, (vector, factor)) in reflections.enumerated().reversed() where factor != 0 {
        var sum = 0.0
        for i in first..<rows { sum += vector[i - first] * column[i] }
        for i in first..<rows { column[i] -= factor * vector[i - first] * sum }
      }
      return column
    }
  }

  /// The rows of Q of a square matrix.
  var rows: [[Double]] { columns.indices.map { row in columns.map { $0[row] } } }

  /// A = R and B = Q.
  func fill(_ down: AlignedBuffer, _ up: AlignedBuffer) {
    let rank = columns.count
    for k in 0..<rank {
      for (i, x) in upper[k].enumerated() { down.pointer[k * upper[k].count + i] = Float(x) }
      for (i, x) in columns[k].enumerated() { up.pointer[i * rank + k] = Float(x) }
    }
  }
}
