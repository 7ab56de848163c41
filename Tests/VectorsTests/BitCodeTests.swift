import Kernels
import Testing
import Vectors

/// Rotations that keep products, and estimates by one bit a number.
@Suite struct BitCodeTests {
  private static func rows(_ count: Int, _ dimension: Int, seed: UInt64) -> [[Float]] {
    let random = CounterRandom(seed: seed)
    return (0..<count).map { row in
      (0..<dimension).map { random.normal(at: UInt64(row * dimension + $0)) }
    }
  }

  private static func dot(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
  }

  @Test(arguments: [1, 3, 64, 100, 192, 384, 768])
  func rotationsKeepProducts(dimension: Int) {
    let rotation = RandomRotation(dimension: dimension, seed: 7)
    #expect(rotation.width % 64 == 0 && rotation.width - dimension < 64)
    let rows = Self.rows(6, dimension, seed: 1)
    for a in rows {
      for b in rows {
        let length = (Self.dot(a, a) * Self.dot(b, b)).squareRoot()
        #expect(abs(Self.dot(rotation(a), rotation(b)) - Self.dot(a, b)) <= 1e-5 * length)
      }
    }
    #expect(rotation(rows[0]) == RandomRotation(dimension: dimension, seed: 7)(rows[0]))
    #expect(rotation(rows[0]) != RandomRotation(dimension: dimension, seed: 8)(rows[0]))
  }

  /// One number becomes all of them, of about equal size: no sign says more than another.
  @Test(arguments: [64, 192, 384]) func rotationsSpread(dimension: Int) {
    var one = [Float](repeating: 0, count: dimension)
    one[dimension / 3] = 1
    let rotated = RandomRotation(dimension: dimension, seed: 3)(one)
    let largest = rotated.map(\.magnitude).max() ?? 1
    #expect(largest < 6 / Float(dimension).squareRoot())
  }

  /// Estimates are unbiased, and off by about what the paper says: sqrt((1 − f²) / f²) / sqrt(d) of
  /// the lengths, with f = sqrt(2 / π).
  @Test(arguments: Similarity.allCases) func estimates(similarity: Similarity) {
    let (dimension, count) = (128, 300)
    let kernels = Kernels()
    var documents = Self.rows(count, dimension, seed: 4).flatMap { $0.map { $0 + 0.5 } }
    var queries = Self.rows(20, dimension, seed: 5).flatMap { $0 }
    if similarity == .cosine {
      DenseComparison.bringToUnitLength(&documents, dimension: dimension, kernels)
      DenseComparison.bringToUnitLength(&queries, dimension: dimension, kernels)
    }
    let rows = (0..<count).map { Array(documents[$0 * dimension..<($0 + 1) * dimension]) }
    let centre = (0..<dimension).map { i in
      rows.reduce(Float(0)) { $0 + $1[i] } / Float(count)
    }
    let rotation = RandomRotation(dimension: dimension, seed: 6)
    let own = BitQueries(queries, count: 20, centre: centre, rotation)
    var (sum, square, pairs) = (0.0, 0.0, 0.0)
    for row in rows {
      let code = row.withUnsafeBufferPointer { BitCode($0, centre: centre, rotation, similarity) }
      #expect(Double(code.norm) >= Self.dot(row, row).squareRoot())
      let rest = zip(row, centre).map { $0 - $1 }
      for query in 0..<20 {
        let q = Array(queries[query * dimension..<(query + 1) * dimension])
        let found = own.score(query, estimate: estimate(code, own.tables, query), similarity)
        // Of distances the products that they stand for.
        let product =
          similarity == .l2
          ? (Self.dot(q, q) + Self.dot(row, row) - Double(found) * Double(found)) / 2
          : Double(found)
        let away = zip(q, centre).map { $0 - $1 }
        let lengths = (Self.dot(rest, rest) * Self.dot(away, away)).squareRoot()
        let error = (product - Self.dot(q, row)) / lengths
        sum += error
        square += error * error
        pairs += 1
      }
    }
    let deviation = (square / pairs).squareRoot()
    let expected = ((Double.pi / 2 - 1) / Double(dimension)).squareRoot()
    #expect(abs(sum / pairs) < 4 * expected / pairs.squareRoot() + 0.004)
    #expect(deviation > 0.9 * expected && deviation < 1.1 * expected)
  }

  private func estimate(_ code: BitCode, _ tables: BitTables, _ query: Int) -> Float {
    var sum = 0
    for (byte, bits) in code.codes.enumerated() {
      let table = (query * tables.depth + byte) * 32
      sum += Int(tables.tables[table + Int(bits % 16)])
      sum += Int(tables.tables[table + 16 + Int(bits / 16)])
    }
    return (Float(sum) * tables.steps[query] + tables.bases[query]) * code.scale + code.offset
  }
}
