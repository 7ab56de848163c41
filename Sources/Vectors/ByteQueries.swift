import Kernels

/// Some dense queries as bytes, and what proves that a document cannot be among the best of one.
///
/// The product of two codes is an integer that is converted and scaled, with three roundings.
package struct ByteQueries: Sendable {
  /// The codes, as the kernels take them.
  package let matrix: NarrowMatrix
  package let proof: ScoreProof

  /// - Parameters:
  ///   - values: queries[count, dimension], finite; of unit length already where cosines are asked for.
  ///   - count: How many, at least one.
  ///   - similarity: What a score is.
  ///   - kernels: What codes them.
  package init(
    _ values: [Float], count: Int, _ similarity: Similarity, _ kernels: Kernels
  ) {
    precondition(count > 0 && values.count % count == 0, "\(values.count) values, \(count) queries")
    let dimension = values.count / count
    let matrix = values.withUnsafeBufferPointer {
      NarrowMatrix(
        $0.baseAddress.unsafelyUnwrapped, .int8, rows: count, columns: dimension, kernels: kernels)
    }
    self.matrix = matrix
    proof = ScoreProof(
      (0..<count).map { query in
        let (codes, scale) = matrix.bytes(of: query)
        return ScoreProof.Query(
          values[query * dimension..<(query + 1) * dimension], code: codes, scale: scale)
      }, dimension: dimension, rounding: 0x1p-22, similarity)
  }
}
