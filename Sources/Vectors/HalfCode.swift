import Kernels

/// A vector rounded to numbers of 16 bits, and how far they are from it.
package struct HalfCode: Sendable {
  package var codes: [UInt16]
  /// At least the Euclidean distance between the vector and its code.
  package var error: Float
  /// At least the vector's Euclidean length, and at most 2^-22 of it more.
  package var norm: Float

  /// Codes a row of finite numbers; those beyond the format become its largest.
  package init(_ row: UnsafeBufferPointer<Float>, _ format: HalfFormat, _ kernels: Kernels) {
    let limit = Self.largest(format)
    let limited = row.map { max(-limit, min(limit, $0)) }
    var codes = [UInt16](repeating: 0, count: row.count)
    var decoded = [Float](repeating: 0, count: row.count)
    limited.withUnsafeBufferPointer { source in
      codes.withUnsafeMutableBufferPointer { kernels.narrow(source, to: format, into: $0) }
    }
    codes.withUnsafeBufferPointer { source in
      decoded.withUnsafeMutableBufferPointer { kernels.widen(source, format, into: $0) }
    }
    self.init(codes, decoded, for: row)
  }

  /// Codes with the error and the length that they have for a row.
  private init(_ codes: [UInt16], _ decoded: [Float], for row: some Collection<Float>) {
    var error = 0.0
    var norm = 0.0
    for (value, code) in zip(row, decoded) {
      let difference = Double(value) - Double(code)
      error += difference * difference
      norm += Double(value) * Double(value)
    }
    self.codes = codes
    self.error = ByteCode.length(error, row.count)
    self.norm = ByteCode.length(norm, row.count)
  }

  /// The code with the error and the length that it has where it is the vector itself, decoded and
  /// compared.
  package func standingForItself(
    _ format: HalfFormat, _ similarity: Similarity, _ kernels: Kernels
  ) -> HalfCode {
    var decoded = [Float](repeating: 0, count: codes.count)
    codes.withUnsafeBufferPointer { source in
      decoded.withUnsafeMutableBufferPointer { kernels.widen(source, format, into: $0) }
    }
    var row = decoded
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&row, dimension: row.count, kernels)
    }
    return HalfCode(codes, decoded, for: row)
  }

  /// The largest number of a format.
  package static func largest(_ format: HalfFormat) -> Float {
    switch format {
    case .float16: 65504
    case .bfloat16: 0x1.fep127
    }
  }
}

/// Some dense queries that are compared with codes of 16 bits, and what proves that a document cannot
/// be among the best of one.
///
/// The queries are as they are, and a product is a sum of fused multiply-adds in single precision.
package struct HalfQueries: Sendable {
  package let matrix: PackedMatrix
  package let proof: ScoreProof

  /// - Parameters:
  ///   - values: queries[count, dimension], finite; of unit length already where cosines are asked for.
  ///   - count: How many, at least one.
  ///   - similarity: What a score is.
  ///   - kernels: What packs them.
  package init(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) {
    precondition(count > 0 && values.count % count == 0, "\(values.count) values, \(count) queries")
    let dimension = values.count / count
    matrix = values.withUnsafeBufferPointer {
      PackedMatrix(
        $0.baseAddress.unsafelyUnwrapped, rows: count, columns: dimension, kernels: kernels)
    }
    proof = ScoreProof(
      (0..<count).map { query in
        ScoreProof.Query(values[query * dimension..<(query + 1) * dimension])
      }, dimension: dimension, rounding: ScoreProof.gamma(dimension), similarity)
  }
}
