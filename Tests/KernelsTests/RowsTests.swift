import KernelReference
import Kernels
import Testing

@Suite struct RowsTests {
  static let widths = [1, 2, 15, 16, 17, 31, 33, 100, 384, 769]
  let rows = 5

  /// Four samples with mean 3, so that a mean that is not subtracted shows.
  private func matrix(_ width: Int, stream: UInt64 = 6) -> [Float] {
    Sample.uniform(rows * width, stream: stream).map { 2 * $0 + 3 }
  }

  /// Runs `body` on every instance and compares the bits with `expected`.
  private func expectBits(
    _ expected: [Float], columns: Int, rows: Int? = nil, _ name: String = "",
    _ body: (Kernels, MutableMatrixView) -> Void
  ) {
    for kernels in instances {
      let out = [Float].written(rows: rows ?? self.rows, columns: columns) { body(kernels, $0) }
      #expect(out.bits == expected.bits, "\(name) \(kernels.instructionSet.name), \(columns)")
    }
  }

  private func eachRow(_ x: [Float], _ width: Int, _ f: ([Float]) -> [Float]) -> [Float] {
    stride(from: 0, to: x.count, by: width).flatMap { f(Array(x[$0..<$0 + width])) }
  }

  @Test(arguments: widths) func layerNorm(_ width: Int) {
    let x = matrix(width)
    let weight = Sample.uniform(width, stream: 8)
    for bias in [Sample.uniform(width, stream: 9), nil] {
      let expected = eachRow(x, width) {
        Reference.layerNorm($0, weight: weight, bias: bias, epsilon: 1e-5)
      }
      expectBits(expected, columns: width) { kernels, out in
        x.withMatrix(rows: rows, columns: width) { x in
          kernels.layerNorm(x, weight: weight, bias: bias, epsilon: 1e-5, into: out)
        }
      }
    }
  }

  @Test(arguments: widths) func rmsNorm(_ width: Int) {
    let x = matrix(width)
    let weight = Sample.uniform(width, stream: 8)
    let expected = eachRow(x, width) { Reference.rmsNorm($0, weight: weight, epsilon: 1e-6) }
    expectBits(expected, columns: width) { kernels, out in
      x.withMatrix(rows: rows, columns: width) {
        kernels.rmsNorm($0, weight: weight, epsilon: 1e-6, into: out)
      }
    }
    let truth = stride(from: 0, to: x.count, by: width).flatMap { start -> [Double] in
      let row = x[start..<start + width].map(Double.init)
      let size = (row.reduce(0) { $0 + $1 * $1 } / Double(width) + 1e-6).squareRoot()
      return zip(row, weight).map { $0 / size * Double($1) }
    }
    #expect(largestError(expected, truth) < 4e-6)
  }

  /// The activation is that of `ElementaryTests`; here it is which half gates which.
  @Test(arguments: widths) func gate(_ width: Int) {
    let x = matrix(2 * width)
    for (activation, function) in [
      (Activation.gelu, ElementaryFunction.gelu), (.geluTanh, .geluTanh), (.relu, .relu),
      (.tanh, .tanh), (.silu, .silu),
    ] {
      let expected = eachRow(x, 2 * width) { row in
        let activated = [Float].written(rows: 1, columns: width) { out in
          row.withUnsafeBufferPointer {
            Kernels(.portable).apply(
              function, to: UnsafeBufferPointer(rebasing: $0[..<width]),
              into: UnsafeMutableBufferPointer(start: out.base, count: width))
          }
        }
        return zip(activated, row[width...]).map { $0 * $1 }
      }
      expectBits(expected, columns: width, "\(activation)") { kernels, out in
        x.withMatrix(rows: rows, columns: 2 * width) { kernels.gate($0, activation, into: out) }
      }
    }
  }

  /// A row of width D loses at most about log₂(D/16) + D/16 roundings in its sums; 2⁻²⁰ is ample.
  @Test(arguments: widths.filter { $0 > 2 }) func layerNormIsNearTheTruth(_ width: Int) {
    let x = matrix(width)
    let weight = Sample.uniform(width, stream: 8)
    let bias = Sample.uniform(width, stream: 9)
    let out = [Float].written(rows: rows, columns: width) { out in
      x.withMatrix(rows: rows, columns: width) {
        Kernels().layerNorm($0, weight: weight, bias: bias, epsilon: 1e-12, into: out)
      }
    }
    let truth = stride(from: 0, to: x.count, by: width).flatMap {
      Reference.trueLayerNorm(
        Array(x[$0..<$0 + width]), weight: weight, bias: bias, epsilon: 1e-12)
    }
    #expect(largestError(out, truth) < 4e-6)
  }

  @Test func layerNormInPlace() {
    let weight = Sample.uniform(33, stream: 8)
    let x = matrix(33)
    let expected = eachRow(x, 33) {
      Reference.layerNorm($0, weight: weight, bias: nil, epsilon: 1e-5)
    }
    expectBits(expected, columns: 33) { kernels, out in
      out.base.update(from: x, count: x.count)
      kernels.layerNorm(out.view, weight: weight, bias: nil, epsilon: 1e-5, into: out)
    }
  }

  @Test(arguments: widths) func embeddings(_ width: Int) {
    let word = Sample.uniform(9 * width, stream: 10)
    let type = Sample.uniform(2 * width, stream: 11)
    let position = Sample.uniform(7 * width, stream: 12)
    let ids: [[Int32]] = [[8, 0, 3, 3, 5], [1, 0, 0, 1, 0], [0, 6, 2, 3, 4]]
    func row(_ table: [Float], _ id: Int32, _ j: Int) -> Float { table[Int(id) * width + j] }
    func lookup(_ table: [Float], _ which: Int, _ body: (EmbeddingLookup) -> Void) {
      table.withMatrix(rows: table.count / width, columns: width) { table in
        ids[which].withUnsafeBufferPointer { body(EmbeddingLookup(table, ids: $0)) }
      }
    }
    var three: [Float] = []
    var one: [Float] = []
    for m in 0..<rows {
      for j in 0..<width {
        let w = row(word, ids[0][m], j)
        one.append(w)
        three.append((w + row(type, ids[1][m], j)) + row(position, ids[2][m], j))
      }
    }
    expectBits(three, columns: width) { kernels, out in
      lookup(word, 0) { word in
        lookup(type, 1) { type in
          lookup(position, 2) { kernels.embed(word: word, type: type, position: $0, into: out) }
        }
      }
    }
    expectBits(one, columns: width) { kernels, out in
      lookup(word, 0) { kernels.embed(word: $0, into: out) }
    }
  }

  @Test(arguments: widths) func l2Normalize(_ width: Int) {
    let x = matrix(width)
    for epsilon in [1e-12, 100] as [Float] {
      let expected = eachRow(x, width) { Reference.l2Normalize($0, epsilon: epsilon) }
      expectBits(expected, columns: width) { kernels, out in
        x.withMatrix(rows: rows, columns: width) {
          kernels.l2NormalizeRows($0, epsilon: epsilon, into: out)
        }
      }
    }
  }

  /// Relative: x − max is below 32 and rounded to 2⁻²⁰ at worst; the sums add less than that.
  @Test(arguments: widths) func softmax(_ width: Int) {
    let x = matrix(width).map { 5 * $0 }
    let run = { (kernels: Kernels) in
      x.withMatrix(rows: rows, columns: width) { x in
        [Float].written(rows: rows, columns: width) { kernels.softmaxRows(x, into: $0) }
      }
    }
    let expected = run(Kernels(.portable))
    for kernels in instances { #expect(run(kernels).bits == expected.bits) }
    for m in 0..<rows {
      let truth = Reference.softmax(x[m * width..<(m + 1) * width].map(Double.init))
      for j in 0..<width {
        #expect(abs(Double(expected[m * width + j]) - truth[j]) <= truth[j] * 0x1p-19)
      }
    }
  }

  @Test(arguments: widths) func reductionsOverRows(_ width: Int) {
    let x = matrix(width)
    var sum = Array(x[0..<width])
    var most = sum
    for m in 1..<rows {
      for j in 0..<width {
        sum[j] += x[m * width + j]
        most[j] = max(most[j], x[m * width + j])
      }
    }
    x.withMatrix(rows: rows, columns: width) { x in
      expectBits(sum, columns: width, rows: 1, "sum") { $0.sumRows(x, into: $1.base) }
      expectBits(sum.map { $0 / 5 }, columns: width, rows: 1, "mean") {
        $0.meanRows(x, into: $1.base)
      }
      expectBits(most, columns: width, rows: 1, "max") { $0.maxRows(x, into: $1.base) }
    }
  }

  @Test func notANumberIsNeverLost() {
    let width = 37
    for row in [0, 2, 4] {
      for column in [0, 16, 36] {
        var x = matrix(width)
        x[row * width + column] = .nan
        let weight = [Float](repeating: 1, count: width)
        x.withMatrix(rows: rows, columns: width) { x in
          for kernels in instances {
            let byRow: [(MutableMatrixView) -> Void] = [
              { kernels.softmaxRows(x, into: $0) },
              { kernels.l2NormalizeRows(x, epsilon: 1e-12, into: $0) },
              { kernels.layerNorm(x, weight: weight, bias: weight, epsilon: 1e-5, into: $0) },
            ]
            for body in byRow {
              let out = [Float].written(rows: rows, columns: width, body)
              for m in 0..<rows {
                #expect(out[m * width..<(m + 1) * width].allSatisfy { $0.isNaN == (m == row) })
              }
            }
            let byColumn: [(MutableMatrixView) -> Void] = [
              { kernels.sumRows(x, into: $0.base) }, { kernels.meanRows(x, into: $0.base) },
              { kernels.maxRows(x, into: $0.base) },
            ]
            for body in byColumn {
              let out = [Float].written(rows: 1, columns: width, body)
              #expect(out.indices.allSatisfy { out[$0].isNaN == ($0 == column) })
            }
          }
        }
      }
    }
  }
}
