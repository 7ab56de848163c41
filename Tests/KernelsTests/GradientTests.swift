import KernelReference
import Kernels
import Testing

/// Adjoints against their true values, and with the same bits on every instruction set.
@Suite struct GradientTests {
  private let rows = 5

  /// Runs `body` on every instance, compares the bits with the first's, and that with the truth.
  private func expectNear(
    _ truth: [Double], _ tolerance: Double, rows: Int? = nil, columns: Int, _ name: String = "",
    _ body: (Kernels, MutableMatrixView) -> Void
  ) {
    var first: [Float]?
    for kernels in instances {
      let out = [Float].written(rows: rows ?? self.rows, columns: columns) { body(kernels, $0) }
      #expect(
        out.bits == (first ?? out).bits, "\(name) \(kernels.instructionSet.name), \(columns)")
      first = out
    }
    let error = largestError(first ?? [], truth)
    #expect(error <= tolerance, "\(name) \(columns): \(error)")
  }

  /// Slopes are exact to 4e-7, a few units (6e-8) in the last place of the sizes up to 1.13 that they
  /// have; the slope of the exponential, which grows, to that share of its size.
  @Test(arguments: ElementaryFunction.allCases)
  func functions(_ function: ElementaryFunction) {
    let x = (-1300...1300).map { Float($0) / 100 }
    let dy = Sample.uniform(x.count, stream: 3)
    for (i, kernels) in instances.enumerated() {
      var dx = [Float](repeating: .nan, count: x.count)
      x.withUnsafeBufferPointer { x in
        dy.withUnsafeBufferPointer { dy in
          dx.withUnsafeMutableBufferPointer {
            kernels.applyGradient(of: function, at: x, dy, into: $0)
          }
        }
      }
      if i > 0 {
        let first = Self.slopes(instances[0], function, x, dy)
        #expect(dx.bits == first.bits, "\(function) \(kernels.instructionSet.name)")
      }
      for (j, found) in dx.enumerated() {
        let slope = Reference.derivative(of: function, at: Double(x[j]))
        let expected = slope * Double(dy[j])
        // 1 - tanh² loses what tanh rounds.
        #expect(abs(Double(found) - expected) <= 4e-7 * max(1, abs(slope)), "\(function)(\(x[j]))")
      }
    }
  }

  private static func slopes(
    _ kernels: Kernels, _ function: ElementaryFunction, _ x: [Float], _ dy: [Float]
  ) -> [Float] {
    var dx = dy
    x.withUnsafeBufferPointer { x in
      dx.withUnsafeMutableBufferPointer {
        kernels.applyGradient(of: function, at: x, UnsafeBufferPointer($0), into: $0)
      }
    }
    return dx
  }

  @Test(arguments: ElementaryFunction.allCases)
  func functionsAtTheEnds(_ function: ElementaryFunction) {
    for kernels in instances {
      let found = Self.slopes(
        kernels, function, [-.infinity, .infinity, .nan], [1, 1, 1])
      let low: Float = 0
      let high: Float =
        switch function {
        case .exp: .infinity
        case .gelu, .geluTanh, .relu, .silu: 1
        case .tanh, .sigmoid, .log1pRelu: 0
        }
      #expect(found[0] == low && found[1] == high && found[2].isNaN, "\(function): \(found)")
    }
  }

  @Test(arguments: RowsTests.widths) func layerNorm(_ width: Int) {
    let x = Sample.uniform(rows * width, stream: 6).map { 2 * $0 + 3 }
    let weight = Sample.uniform(width, stream: 7)
    let dy = Sample.uniform(rows * width, stream: 8)
    let parts = (0..<rows).map { $0 * width..<($0 + 1) * width }
    let truth = parts.flatMap {
      Reference.layerNormGradient(
        Array(x[$0]), weight: weight, epsilon: 1e-5, Array(dy[$0]))
    }
    // A deviation is rounded relative to the mean of 3; the factor grows where two numbers agree.
    let size = truth.reduce(1) { max($0, abs($1)) }
    expectNear(truth, width <= 2 ? 1e-2 * size : 1e-5 * size, columns: width) { kernels, out in
      self.layerNorm(kernels, x, weight, dy, width, into: out) { _ in }
    }
  }

  private func layerNorm(
    _ kernels: Kernels, _ x: [Float], _ weight: [Float], _ dy: [Float], _ width: Int,
    into out: MutableMatrixView, _ after: (RowMoments) -> Void
  ) {
    var memory = [Float](repeating: .nan, count: 2 * rows)
    memory.withUnsafeMutableBufferPointer { memory in
      guard let base = memory.baseAddress else { return }
      let moments = RowMoments(base, rows: rows)
      x.withMatrix(rows: rows, columns: width) { x in
        dy.withMatrix(rows: rows, columns: width) { dy in
          kernels.layerNormGradient(
            x, weight: weight, epsilon: 1e-5, dy, into: out, moments: moments)
        }
      }
      after(moments)
    }
  }

  @Test(arguments: [3, 16, 33]) func layerNormParameters(_ width: Int) {
    let x = Sample.uniform(rows * width, stream: 6)
    let dy = Sample.uniform(rows * width, stream: 8)
    let ones = [Float](repeating: 1, count: width)
    var truth = [Double](repeating: 0.5, count: 2 * width)
    for row in 0..<rows {
      let part = row * width..<(row + 1) * width
      let normed = Reference.trueLayerNorm(
        Array(x[part]), weight: ones, bias: ones.map { _ in 0 }, epsilon: 1e-5)
      for (j, h) in normed.enumerated() {
        truth[j] += h * Double(dy[part][part.lowerBound + j])
        truth[width + j] += Double(dy[part][part.lowerBound + j])
      }
    }
    // Both are added to what is there.
    expectNear(truth, 3e-6, rows: 2, columns: width) { kernels, out in
      for i in 0..<2 * width { out.base[i] = 0.5 }
      _ = [Float].written(rows: rows, columns: width) { dx in
        self.layerNorm(kernels, x, ones, dy, width, into: dx) { moments in
          x.withMatrix(rows: rows, columns: width) { x in
            dy.withMatrix(rows: rows, columns: width) { dy in
              kernels.layerNormParameterGradients(
                x, dy, moments: moments, weight: out.base, bias: out.base + width)
            }
          }
        }
      }
    }
  }

  @Test(arguments: [1, 16, 33]) func l2Normalize(_ width: Int) {
    var x = Sample.uniform(rows * width, stream: 6)
    for i in 0..<width { x[i] = 0 }
    let dy = Sample.uniform(rows * width, stream: 8)
    let truth = (0..<rows).flatMap { row -> [Double] in
      let part = row * width..<(row + 1) * width
      return Reference.l2NormalizeGradient(Array(x[part]), epsilon: 0.25, Array(dy[part]))
    }
    expectNear(truth, 3e-6, columns: width) { kernels, out in
      x.withMatrix(rows: rows, columns: width) { x in
        dy.withMatrix(rows: rows, columns: width) { dy in
          kernels.l2NormalizeGradient(x, epsilon: 0.25, dy, into: out)
        }
      }
    }
  }

  /// One block of queries and several, keys that fill panels and not, with dropout and without.
  @Test(arguments: [(1, 4, false), (17, 8, true), (64, 16, false), (130, 5, true)])
  func attention(_ length: Int, _ width: Int, _ drops: Bool) {
    let x = (1...4).map { Sample.uniform(length * width, stream: UInt64($0)) }
    let dropout = drops ? Dropout(rate: 0.3, seed: 9, stream: 4, index: 1 << 40) : nil
    let truth = Reference.attentionGradient(
      q: x[0], k: x[1], v: x[2], width: width, scale: 0.7,
      kept: Self.kept(dropout, length), x[3])
    expectNear(truth.q + truth.k + truth.v, 4e-6, rows: 3 * length, columns: width) {
      kernels, out in
      let scratch = AlignedBuffer(
        count: kernels.attentionGradientScratchCount(
          queries: length, keys: length, headWidth: width))
      x[0].withMatrix(rows: length, columns: width) { q in
        x[1].withMatrix(rows: length, columns: width) { k in
          x[2].withMatrix(rows: length, columns: width) { v in
            x[3].withMatrix(rows: length, columns: width) { dy in
              kernels.attentionGradient(
                AttentionGradient(
                  queries: q, keys: k, values: v, heads: 1, scale: 0.7, dropout: dropout,
                  output: dy, byQueries: out.rows(0..<length),
                  byKeys: out.rows(length..<2 * length),
                  byValues: out.rows(2 * length..<3 * length)), scratch: scratch)
            }
          }
        }
      }
    }
  }

  /// Factor of each weight of one head, from the definition of `Dropout`.
  private static func kept(_ dropout: Dropout?, _ length: Int) -> [Double] {
    guard let dropout else { return [Double](repeating: 1, count: length * length) }
    let random = CounterRandom(seed: dropout.seed, stream: dropout.stream)
    let stride = (length + 63) / 64 * 64
    return (0..<length * length).map { i in
      let element = UInt64(i / length * stride + i % length)
      let group = (dropout.index + element) / 64
      let block = 16 * group + element % 16
      let word = random.bits(at: 4 * block + element % 64 / 16)
      return Double(word) < 0.3 * 0x1p32 ? 0 : 1 / 0.7
    }
  }

  @Test(arguments: [(1, 1), (4, 4), (7, 18), (33, 5)]) func transpose(_ m: Int, _ n: Int) {
    let x = Sample.uniform(m * n, stream: 2)
    let truth = (0..<m * n).map { Double(x[$0 % m * n + $0 / m]) }
    expectNear(truth, 0, rows: n, columns: m) { kernels, out in
      x.withMatrix(rows: m, columns: n) { kernels.transpose($0, into: out) }
    }
  }

  @Test func accumulates() {
    let (m, n, k) = (9, 70, 11)
    let a = Sample.uniform(m * k, stream: 1)
    let w = Sample.uniform(n * k, stream: 2)
    // As if the sums of an earlier product were continued: the bits of one long product.
    let both = Reference.multiply(
      Self.beside(a, a, m, k), Self.beside(w, w, n, k), bias: nil, rows: m, outputs: n,
      inputs: 2 * k)
    for kernels in instances {
      let packed = PackedMatrix(w, rows: n, columns: k, kernels: kernels)
      let out = [Float].written(rows: m, columns: n) { out in
        a.withMatrix(rows: m, columns: k) {
          kernels.multiply($0, packed, into: out)
          kernels.accumulate($0, packed, into: out)
        }
      }
      #expect(out.bits == both.bits, "\(kernels.instructionSet.name)")
    }
  }

  private static func beside(_ a: [Float], _ b: [Float], _ m: Int, _ k: Int) -> [Float] {
    (0..<m).flatMap { row -> [Float] in
      let part = row * k..<(row + 1) * k
      return Array(a[part]) + Array(b[part])
    }
  }

  @Test func firstMaximum() {
    let x: [Float] = [1, 5, .nan, 3, 5, 2, 3, 4, .nan]
    for kernels in instances {
      var values = [Float](repeating: 0, count: 3)
      var rows = [Int32](repeating: -1, count: 3)
      x.withMatrix(rows: 3, columns: 3) { kernels.argmaxRows($0, into: &values, &rows) }
      #expect(values[0] == 3 && values[1] == 5 && values[2].isNaN && rows == [1, 0, 0])
    }
  }
}
