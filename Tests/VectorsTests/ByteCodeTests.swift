import Kernels
import Testing
import Vectors

/// Bounds that hold for every pair, and are near enough to be of use.
@Suite struct ByteCodeTests {
  private static func rows(_ count: Int, _ dimension: Int, _ size: Float, seed: UInt64) -> [Float] {
    var random = CounterRandom(seed: seed)
    return (0..<count * dimension).map { _ in Float(Int(random.next() >> 40) - 1 << 23) * size }
  }

  private static func code(_ values: [Float], _ row: Int, _ dimension: Int) -> ByteCode {
    values[row * dimension..<(row + 1) * dimension].withUnsafeBufferPointer { ByteCode($0) }
  }

  /// The exact distance and length are below what is stored, by no more than rounding.
  @Test(arguments: [1, 2, 17, 384]) func errorAndNorm(dimension: Int) {
    let values = Self.rows(20, dimension, 0x1p-23, seed: 1)
    for row in 0..<20 {
      let code = Self.code(values, row, dimension)
      var (error, norm) = (0.0, 0.0)
      for (value, step) in zip(values[row * dimension..<(row + 1) * dimension], code.codes) {
        let difference = Double(value) - Double(step) * Double(code.scale)
        #expect(difference.magnitude <= Double(code.scale) * 0.5001)
        error += difference * difference
        norm += Double(value) * Double(value)
      }
      #expect(Double(code.error) >= error.squareRoot())
      #expect(Double(code.error) <= error.squareRoot() * (1 + 0x1p-22))
      #expect(Double(code.norm) >= norm.squareRoot())
      #expect(Double(code.norm) <= norm.squareRoot() * (1 + 0x1p-22))
    }
  }

  @Test func nothingAndAlmostNothing() {
    let zeros = Self.code([0, -0.0, 0], 0, 3)
    #expect(zeros.codes == [0, 0, 0] && zeros.scale == 0 && zeros.error == 0 && zeros.norm == 0)
    let tiny = Self.code([.leastNonzeroMagnitude, 0], 0, 2)
    #expect(tiny.codes == [0, 0] && tiny.error >= .leastNonzeroMagnitude)
  }

  /// The score that is compared in the end lies within the bounds, for every pair.
  @Test(arguments: Similarity.allCases, [Float(0x1p-23), 0x1p-90, 0x1p30])
  func boundsHold(similarity: Similarity, size: Float) {
    let kernels = Kernels()
    for dimension in [1, 3, 64, 100] {
      var documents = Self.rows(60, dimension, size, seed: 2)
      var asked = Self.rows(20, dimension, size, seed: 3)
      documents += asked.prefix(5 * dimension)
      let comparison = DenseComparison(asked, count: 20, similarity, kernels)
      let scratch = AlignedBuffer(count: documents.count)
      let scores = AlignedBuffer(count: 65 * 20)
      documents.withUnsafeBufferPointer { documents in
        comparison.score(
          MatrixView(documents.baseAddress.unsafelyUnwrapped, rows: 65, columns: dimension),
          scratch: scratch,
          into: scores.matrix(rows: 65, columns: 20))
      }
      if similarity == .cosine {
        DenseComparison.bringToUnitLength(&documents, dimension: dimension, kernels)
        DenseComparison.bringToUnitLength(&asked, dimension: dimension, kernels)
      }
      let queries = ByteQueries(asked, count: 20, similarity, kernels)
      for query in 0..<20 {
        let (codes, scale) = queries.matrix.bytes(of: query)
        var ranges: [(least: Float, most: Float, score: Float)] = []
        for row in 0..<65 {
          let code = Self.code(documents, row, dimension)
          let whole = zip(codes, code.codes).reduce(0) { $0 + Int($1.0) * Int($1.1) }
          let product = Float(whole) * (scale * code.scale)
          let (error, norm) = (code.error, code.norm)
          ranges.append(
            (
              queries.proof.least(query, product: product, error: error, norm: norm),
              queries.proof.most(query, product: product, error: error, norm: norm),
              scores.pointer[row * 20 + query]
            ))
        }
        // What the bounds are for: one whose most is below another's least has the smaller score.
        for a in ranges {
          for b in ranges where a.most < b.least { #expect(a.score < b.score) }
          if similarity != .l2 { #expect(a.least <= a.score && a.score <= a.most) }
        }
      }
    }
  }
}
