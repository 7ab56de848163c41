import KernelReference
import Kernels
import Testing

/// Products of bfloat16 and of bytes.
@Suite struct NarrowTests {
  private static let precisions: [Precision] = [.bf16, .int8]

  private func expected(_ precision: Precision, _ p: Product, withBias: Bool = true) -> [Float] {
    let bias = withBias ? p.bias : nil
    return precision == .bf16
      ? Reference.multiplyBF16(
        p.a, p.w, bias: bias, rows: p.rows, outputs: p.outputs, inputs: p.inputs)
      : Reference.multiplyInt8(
        p.a, p.w, bias: bias, rows: p.rows, outputs: p.outputs, inputs: p.inputs)
  }

  private func packed(
    _ precision: Precision, _ p: Product, withBias: Bool = true, _ kernels: Kernels = Kernels()
  ) -> NarrowMatrix {
    NarrowMatrix(
      p.w, precision, rows: p.outputs, columns: p.inputs, bias: withBias ? p.bias : nil,
      kernels: kernels)
  }

  private func run(
    _ kernels: Kernels, _ precision: Precision, _ p: Product, _ activation: Activation = .none,
    withBias: Bool = true, residual: [Float]? = nil
  ) -> [Float] {
    var scratch = AlignedBuffer(count: 0)
    let w = packed(precision, p, withBias: withBias, kernels)
    return p.a.withMatrix(rows: p.rows, columns: p.inputs) { a in
      .written(rows: p.rows, columns: p.outputs) { c in
        guard let residual else {
          return kernels.multiply(a, w, activation: activation, into: c, scratch: &scratch)
        }
        residual.withMatrix(rows: p.rows, columns: p.outputs) {
          kernels.multiply(a, w, adding: $0, into: c, scratch: &scratch)
        }
      }
    }
  }

  @Test(arguments: precisions, Product.shapes)
  func bitsOfReference(_ precision: Precision, _ product: Product) {
    for withBias in [true, false] {
      let expected = expected(precision, product, withBias: withBias)
      for kernels in instances {
        #expect(
          run(kernels, precision, product, withBias: withBias).bits == expected.bits,
          "\(kernels.instructionSet.name), bias \(withBias)")
      }
    }
  }

  @Test(arguments: precisions, Product.shapes)
  func rowsDoNotKnowTheirNeighbours(_ precision: Precision, _ product: Product) {
    for kernels in instances {
      let whole = run(kernels, precision, product, .gelu)
      let w = packed(precision, product)
      var scratch = AlignedBuffer(count: 0)
      let split = product.a.withMatrix(rows: product.rows, columns: product.inputs) { a in
        [Float].written(rows: product.rows, columns: product.outputs) { c in
          for i in 0..<product.rows {
            kernels.multiply(
              a.rows(i..<i + 1), w, activation: .gelu, into: c.rows(i..<i + 1), scratch: &scratch)
          }
        }
      }
      #expect(split.bits == whole.bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: precisions, Activation.allCases)
  func activationComesAfterTheBias(_ precision: Precision, _ activation: Activation) {
    let functions: [Activation: ElementaryFunction] = [
      .geluTanh: .geluTanh, .relu: .relu, .silu: .silu, .tanh: .tanh,
    ]
    let product = Product(13, 100, 129)
    for kernels in instances {
      let plain = run(kernels, precision, product)
      var expected = activation == .gelu ? plain.map(Reference.coarseGELU) : plain
      if let function = functions[activation] {
        expected.withUnsafeMutableBufferPointer { y in
          plain.withUnsafeBufferPointer { kernels.apply(function, to: $0, into: y) }
        }
      }
      #expect(run(kernels, precision, product, activation).bits == expected.bits)
    }
  }

  /// A step of the bytes that are made of its results is 25 times as large where they reach to 4/3.
  @Test func coarseGELUIsNear() {
    for i in -1200...1200 {
      let x = Float(i) / 100
      let truth = Reference.apply(.gelu, to: Double(x))
      #expect(abs(Double(Reference.coarseGELU(x)) - truth) < 2e-4, "\(x)")
    }
  }

  @Test(arguments: precisions) func residualIsAddedLast(_ precision: Precision) {
    let product = Product(130, 100, 129)
    let residual = Sample.uniform(13000, stream: 4)
    for kernels in instances {
      let expected = zip(residual, run(kernels, precision, product)).map(+)
      #expect(run(kernels, precision, product, residual: residual).bits == expected.bits)
    }
  }

  /// As training takes them: panels filled from either side, sums that go on, and some panels only.
  @Test(arguments: Product.shapes, [false, true])
  func bfloat16GoesOnFromWhatIsThere(_ product: Product, _ isTurned: Bool) {
    let (rows, outputs, inputs) = (product.rows, product.outputs, product.inputs)
    let start = Sample.uniform(rows * outputs, stream: 5).map { $0 * 1e-37 + ($0 > 0 ? 1 : 0) }
    let expected = Reference.multiplyBF16(
      product.a, product.w, bias: nil, start: start, rows: rows, outputs: outputs, inputs: inputs)
    var source = product.w
    if isTurned {
      source = (0..<inputs).flatMap { k in (0..<outputs).map { product.w[$0 * inputs + k] } }
    }
    for kernels in instances {
      let count = NarrowMatrix.memoryCount(rows: outputs, columns: inputs, .bf16)
      let memory = AlignedBuffer(count: count)
      memory.pointer.update(repeating: .nan, count: count)
      let w = NarrowMatrix(rows: outputs, columns: inputs, memory: memory)
      for panel in 0..<(outputs + 63) / 64 {
        w.fill(
          panel: panel, source, rowStride: isTurned ? 1 : inputs,
          columnStride: isTurned ? outputs : 1, kernels: kernels)
      }
      var (found, scratch) = (start, AlignedBuffer(count: 0))
      found.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let c = MutableMatrixView(base, rows: rows, columns: outputs)
        product.a.withMatrix(rows: rows, columns: inputs) { a in
          for first in stride(from: 0, to: outputs, by: 64) {
            kernels.accumulate(
              a, w, columns: first..<min(first + 64, outputs), into: c, scratch: &scratch)
          }
        }
      }
      #expect(found.bits == expected.bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: precisions, [1, 16, 30, 64, 150])
  func maximumIsThatOfTheProduct(_ precision: Precision, _ outputs: Int) {
    let product = Product(79, outputs, 37)
    let offsets = MaximumTests.offsets
    let whole = expected(precision, product)
    let expected = zip(offsets, offsets.dropFirst()).flatMap { first, last in
      Reference.maxOverRows(
        Array(whole[first * outputs..<last * outputs]), rows: last - first, columns: outputs)
    }
    for kernels in instances {
      var scratch = AlignedBuffer(count: 0)
      let out = product.a.withMatrix(rows: 79, columns: 37) { a in
        [Float].written(rows: offsets.count - 1, columns: outputs) {
          kernels.multiplyMax(
            a, packed(precision, product), offsets: offsets, into: $0, scratch: &scratch)
        }
      }
      #expect(out.bits == expected.bits, "\(kernels.instructionSet.name)")
    }
  }

  /// 255 · 127 + 255 · 127 does not fit the 16 bits in which AVX2's vpmaddubsw adds.
  @Test func extremeBytesDoNotSaturate() {
    for inputs in [4, 64, 3072] {
      for sign in [Float(1), -1] {
        let product = Product(
          a: [Float](repeating: 1, count: 9 * inputs),
          w: [Float](repeating: sign, count: 20 * inputs), rows: 9, outputs: 20, inputs: inputs)
        let expected = expected(.int8, product)
        // Exactly K: 255 · 127 · K steps of 1/255 and 1/127, but for the rounding of the scales.
        #expect(abs(expected[0] - sign * Float(inputs)) < 1e-6 * Float(inputs))
        for kernels in instances {
          #expect(run(kernels, .int8, product).bits == expected.bits)
        }
      }
    }
  }

  /// Numbers that round to a denormal, products that are one, and sums that come from cancelling.
  @Test func smallNumbersAreFlushed() {
    let powers = (0..<64).map { Float(sign: .plus, exponent: -130 + 2 * $0, significand: 1.2345) }
    let a = zip(powers, Sample.uniform(64, stream: 7)).map { $0 * $1 }
    let w = zip(powers.reversed(), Sample.uniform(64, stream: 8)).map { $0 * $1 }
    let product = Product(a: a, w: w, rows: 8, outputs: 8, inputs: 8)
    let expected = expected(.bf16, product)
    #expect(expected.contains { $0 == 0 } && expected.contains { $0 != 0 })
    for kernels in instances { #expect(run(kernels, .bf16, product).bits == expected.bits) }
  }

  @Test func roundingToBF16IsToNearestEven() {
    #expect(Reference.roundedToBF16(0x1.01p0) == 0x1p0)
    #expect(Reference.roundedToBF16(0x1.03p0) == 0x1.04p0)
    #expect(Reference.roundedToBF16(0x1.010002p0) == 0x1.02p0)
    #expect(Reference.roundedToBF16(.greatestFiniteMagnitude) == .infinity)
    #expect(Reference.roundedToBF16(0x1p-127).bitPattern == 0)
    #expect(Reference.roundedToBF16(0x1.FFp-127).bitPattern == 0)
    #expect(Reference.roundedToBF16(0x1.01p-126) == 0x1p-126)
  }

  @Test(arguments: precisions) func notANumberReachesItsRowOnly(_ precision: Precision) {
    for bad in [Float.nan, .infinity, -.infinity] {
      var product = Product(19, 70, 33)
      product.a[4 * 33 + 20] = bad
      for kernels in instances {
        let c = run(kernels, precision, product)
        for i in 0..<19 {
          let row = c[i * 70..<(i + 1) * 70]
          #expect(row.allSatisfy { $0.isFinite == (i != 4) }, "row \(i), \(precision)")
        }
      }
    }
  }

  /// Zero rows have no range to divide.
  @Test func zerosStayZeros() {
    let product = Product(
      a: [Float](repeating: 0, count: 3 * 40), w: Sample.uniform(70 * 40, stream: 1), rows: 3,
      outputs: 70, inputs: 40)
    for precision in Self.precisions {
      for kernels in instances {
        #expect(run(kernels, precision, product, withBias: false).allSatisfy { $0 == 0 })
      }
    }
  }
}
