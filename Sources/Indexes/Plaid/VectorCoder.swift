import Kernels
import Workers

/// Turns vectors into the numbers of centroids, codes of what is left, and factors.
struct VectorCoder: Sendable {
  let codebook: PlaidCodebook
  private let assignment: CentroidAssignment
  private let kernels: Kernels

  /// Some vectors as they are stored.
  struct Coded: Sendable {
    /// The centroid of each.
    var centroids: [Int32] = []
    /// codes[count, size] of what is left.
    var codes: [UInt8] = []
    /// The number of each one's factor.
    var factors: [UInt8] = []
    /// Half of the square of each decoded vector's length.
    var halfSquares: [Float] = []
    /// The length of each one's decoded rest, times the factor, rounded upwards.
    var radii: [Float] = []
    /// The square of the length of what is left of each.
    var rests: [Double] = []
  }

  init(_ codebook: PlaidCodebook, _ kernels: Kernels) {
    self.codebook = codebook
    self.kernels = kernels
    assignment = CentroidAssignment(codebook, kernels)
  }

  /// Centroids of vectors[count, width], and what is left of each beside them.
  func residuals(
    _ vectors: MatrixView, tokens: [Int32], _ pool: WorkerPool
  ) -> (centroids: [Int32], residuals: [Float]) {
    let numbers = assignment.assign(vectors, tokens: tokens, pool)
    let width = codebook.width
    let residuals = [Float](unsafeUninitializedCapacity: vectors.rows * width) { target, filled in
      filled = vectors.rows * width
      for row in 0..<vectors.rows {
        assignment.withCentroid(Int(numbers[row])) { centroid in
          let own = vectors.base + row * vectors.stride
          for number in 0..<width { target[row * width + number] = own[number] - centroid[number] }
        }
      }
    }
    return (numbers, residuals)
  }

  /// Codes vectors[count, width].
  func code(_ vectors: MatrixView, tokens: [Int32], _ pool: WorkerPool) -> Coded {
    var coded = Coded()
    let (numbers, residuals) = residuals(vectors, tokens: tokens, pool)
    coded.centroids = numbers
    coded.rests = (0..<vectors.rows).map { row in
      let width = codebook.width
      return residuals[row * width..<(row + 1) * width].reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    residuals.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      coded.codes = codebook.codec.compress(
        MatrixView(base, rows: vectors.rows, columns: codebook.width), kernels)
    }
    decode(vectors, &coded)
    return coded
  }

  /// The numbers that bring decoded vectors nearest to vectors.
  func ratios(_ vectors: MatrixView, _ centroids: [Int32], _ residuals: [Float]) -> [Float] {
    var coded = Coded()
    coded.centroids = centroids
    residuals.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      coded.codes = codebook.codec.compress(
        MatrixView(base, rows: vectors.rows, columns: codebook.width), kernels)
    }
    return sums(vectors, coded).map { FactorCode.ratio(product: $0.product, square: $0.square) }
  }

  private func decode(_ vectors: MatrixView, _ coded: inout Coded) {
    for sums in sums(vectors, coded) {
      let level = FactorCode.nearest(
        FactorCode.ratio(product: sums.product, square: sums.square), codebook.factors)
      let factor = Double(codebook.factors[Int(level)])
      coded.factors.append(level)
      coded.halfSquares.append(Float(factor * factor * sums.square / 2))
      coded.radii.append(Float(factor * sums.rest.squareRoot() * (1 + 0x1p-20)))
    }
  }

  /// What sums over the numbers of a vector and of what it is decoded to come to.
  private struct Sums {
    var product = 0.0
    var square = 0.0
    /// Square of the decoded rest.
    var rest = 0.0
  }

  private func sums(_ vectors: MatrixView, _ coded: Coded) -> [Sums] {
    let codec = codebook.codec
    let width = codec.width
    var expanded = [Int8](repeating: 0, count: max(codec.expanded, 1))
    var results: [Sums] = []
    results.reserveCapacity(vectors.rows)
    coded.codes.withUnsafeBufferPointer { codes in
      expanded.withUnsafeMutableBufferPointer { expanded in
        guard let codes = codes.baseAddress, let steps = expanded.baseAddress else { return }
        for row in 0..<vectors.rows {
          kernels.expand(
            rows: 1, bits: codec.bits, size: codec.size, codes + row * codec.size, codec.values,
            into: steps)
          results.append(
            assignment.withCentroid(Int(coded.centroids[row])) { centroid in
              let own = vectors.base + row * vectors.stride
              var sums = Sums()
              for number in 0..<width {
                let rest = Double(steps[number]) * Double(codec.scale)
                let decoded = Double(centroid[number]) + rest
                sums.product += Double(own[number]) * decoded
                sums.square += decoded * decoded
                sums.rest += rest * rest
              }
              return sums
            })
        }
      }
    }
    return results
  }
}
