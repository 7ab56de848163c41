import KernelReference
import Kernels
import Testing

/// Which documents of bytes a scan finds, and with which products.
@Suite struct ScanTests {
  /// Documents, queries and bounds of some shape.
  private struct Case {
    let m: Int, n: Int, k: Int
    let codes: [Int8]
    let scales: [Float], errors: [Float], norms: [Float], offsets: [Float]
    let queries: [Float]
    let bounds: ScoreBounds
    var thresholds: [Float]

    init(_ m: Int, _ n: Int, _ k: Int) {
      (self.m, self.n, self.k) = (m, n, k)
      var random = CounterRandom(seed: UInt64(m * 1_000_000 + n * 1000 + k))
      // The extremes, of which a product of pairs in 16 bits may be none, among them.
      codes = (0..<m * k).map { _ in
        let draw = Int(random.next() % 300)
        return Int8(max(-127, min(127, draw - 150)))
      }
      scales = Sample.uniform(m, stream: 1).map(\.magnitude)
      errors = Sample.uniform(m, stream: 2).map(\.magnitude)
      norms = Sample.uniform(m, stream: 3).map(\.magnitude)
      offsets = Sample.uniform(m, stream: 4)
      let numbers = Sample.uniform(n * k, stream: 5)
      queries = numbers.enumerated().map { $0 % 3 == 0 ? ($1 < 0 ? -1 : 1) : $1 }
      bounds = ScoreBounds(
        byError: Sample.uniform(n, stream: 6), byNorm: Sample.uniform(n, stream: 7),
        byNone: Sample.uniform(n, stream: 8))
      thresholds = Array(repeating: 0, count: n)
      for query in stride(from: 0, to: n, by: 5) { thresholds[query] = -.infinity }
      for query in stride(from: 1, to: n, by: 5) { thresholds[query] = 30 }
      for query in stride(from: 2, to: n, by: 5) { thresholds[query] = .nan }
    }

    struct Found: Equatable, CustomStringConvertible {
      let row: Int, column: Int, score: UInt32
      var description: String { "[\(row), \(column)] \(Float(bitPattern: score))" }
    }

    /// What is found, column by column, by the definition.
    func expected(_ withOffsets: Bool) -> [Found] {
      var found: [Found] = []
      for query in 0..<n {
        let (steps, scale) = Reference.signedSteps(Array(queries[query * k..<(query + 1) * k]))
        for row in 0..<m {
          let whole = (0..<k).reduce(0) { $0 + Int(codes[row * k + $1]) * steps[$1] }
          let product = Float(whole) * (scale * scales[row])
          let bound = bounds.byNone[query]
            .addingProduct(norms[row], bounds.byNorm[query])
            .addingProduct(errors[row], bounds.byError[query])
          let most = withOffsets ? product + bound + offsets[row] : product + bound
          if !(most < thresholds[query]) {
            found.append(Found(row: row, column: query, score: product.bitPattern))
          }
        }
      }
      return found
    }

    func run(_ kernels: Kernels, _ withOffsets: Bool) -> [Found] {
      let matrix = queries.withUnsafeBufferPointer {
        NarrowMatrix($0.baseAddress.unsafelyUnwrapped, .int8, rows: n, columns: k, kernels: kernels)
      }
      let results = ScanResults(capacity: m * n)
      codes.withUnsafeBufferPointer { codes in
        scales.withUnsafeBufferPointer { scales in
          errors.withUnsafeBufferPointer { errors in
            norms.withUnsafeBufferPointer { norms in
              offsets.withUnsafeBufferPointer { offsets in
                kernels.scan(
                  ByteRows(
                    count: m, codes: codes.baseAddress.unsafelyUnwrapped,
                    scales: scales.baseAddress.unsafelyUnwrapped,
                    errors: errors.baseAddress.unsafelyUnwrapped,
                    norms: norms.baseAddress.unsafelyUnwrapped,
                    offsets: withOffsets ? offsets.baseAddress : nil),
                  matrix, bounds, thresholds: thresholds, into: results)
              }
            }
          }
        }
      }
      return listed(results)
    }

    /// What is found of products that are known.
    func select(_ products: [Float], _ kernels: Kernels, _ withBounds: Bool) -> [Found] {
      let results = ScanResults(capacity: m * n)
      products.withUnsafeBufferPointer { products in
        let view = MatrixView(products.baseAddress.unsafelyUnwrapped, rows: m, columns: n)
        if !withBounds { return kernels.select(view, thresholds: thresholds, into: results) }
        errors.withUnsafeBufferPointer { errors in
          norms.withUnsafeBufferPointer { norms in
            offsets.withUnsafeBufferPointer { offsets in
              kernels.select(
                view,
                RowBounds(
                  errors: errors.baseAddress.unsafelyUnwrapped,
                  norms: norms.baseAddress.unsafelyUnwrapped, offsets: offsets.baseAddress),
                bounds, thresholds: thresholds, into: results)
            }
          }
        }
      }
      return listed(results)
    }

    /// Rows ascend within a column; how columns follow each other is the kernel's affair.
    private func listed(_ results: ScanResults) -> [Found] {
      let found = (0..<results.count).map { place in
        Found(
          row: results[place].row, column: results[place].column,
          score: results[place].score.bitPattern)
      }
      return (0..<n).flatMap { column in found.filter { $0.column == column } }
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 64, 65, 130], [1, 3, 4, 63, 64, 65, 200])
  func bitsOfTheDefinition(n: Int, k: Int) {
    for m in [1, 5, 16, 37] {
      let test = Case(m, n, k)
      for withOffsets in [false, true] {
        let expected = test.expected(withOffsets)
        for kernels in instances {
          #expect(
            test.run(kernels, withOffsets) == expected,
            "\(kernels.instructionSet.name), \(m) documents")
        }
      }
    }
  }

  /// Products that are known: what is found is what the definition says, with and without bounds.
  @Test(arguments: [1, 2, 8, 15, 16, 17, 40])
  func selection(n: Int) {
    for m in [1, 5, 16, 37] {
      let test = Case(m, n, 3)
      var products = Sample.uniform(m * n, stream: 10).map { $0 * 40 }
      for place in stride(from: 3, to: m * n, by: 7) { products[place] = -.infinity }
      for place in stride(from: 4, to: m * n, by: 11) { products[place] = .nan }
      var plain: [Case.Found] = []
      var bounded: [Case.Found] = []
      for column in 0..<n {
        for row in 0..<m {
          let (product, threshold) = (products[row * n + column], test.thresholds[column])
          let found = Case.Found(row: row, column: column, score: product.bitPattern)
          if !(product < threshold) || !product.isFinite { plain.append(found) }
          let bound = test.bounds.byNone[column]
            .addingProduct(test.norms[row], test.bounds.byNorm[column])
            .addingProduct(test.errors[row], test.bounds.byError[column])
          if !(product + bound + test.offsets[row] < threshold) { bounded.append(found) }
        }
      }
      for kernels in instances {
        #expect(test.select(products, kernels, false) == plain, "\(m) documents")
        #expect(test.select(products, kernels, true) == bounded, "\(m) documents")
      }
    }
  }

  /// A query that is longer than what is turned round for a few queries.
  @Test func longRows() {
    let test = Case(3, 2, 9000)
    for kernels in instances { #expect(test.run(kernels, false) == test.expected(false)) }
  }

  @Test(arguments: [1, 5, 16, 70]) func bytesThatWerePacked(rows: Int) {
    let values = Sample.uniform(rows * 37, stream: 9)
    let matrix = values.withUnsafeBufferPointer {
      NarrowMatrix($0.baseAddress.unsafelyUnwrapped, .int8, rows: rows, columns: 37)
    }
    for row in 0..<rows {
      let (steps, scale) = Reference.signedSteps(Array(values[row * 37..<(row + 1) * 37]))
      let bytes = matrix.bytes(of: row)
      #expect(bytes.codes.map { Int($0) } == steps)
      #expect(bytes.scale == scale)
    }
  }
}
