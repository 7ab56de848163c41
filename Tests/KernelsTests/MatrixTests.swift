import KernelReference
import Kernels
import Testing

/// a[M,K] · W[N,K]ᵀ + bias[N] with everything that a test may vary.
struct Product: CustomTestStringConvertible {
  let rows: Int
  let outputs: Int
  let inputs: Int

  var a: [Float]
  let w: [Float]
  let bias: [Float]

  init(_ rows: Int, _ outputs: Int, _ inputs: Int) {
    self.rows = rows
    self.outputs = outputs
    self.inputs = inputs
    a = Sample.uniform(rows * inputs, stream: 1)
    w = Sample.uniform(outputs * inputs, stream: 2)
    bias = Sample.uniform(outputs, stream: 3)
  }

  init(a: [Float], w: [Float], rows: Int, outputs: Int, inputs: Int) {
    self.rows = rows
    self.outputs = outputs
    self.inputs = inputs
    self.a = a
    self.w = w
    bias = [Float](repeating: 0, count: outputs)
  }

  var testDescription: String { "\(rows)×\(outputs)×\(inputs)" }

  func packed(withBias: Bool = true, _ kernels: Kernels = Kernels()) -> PackedMatrix {
    PackedMatrix(
      w, rows: outputs, columns: inputs, bias: withBias ? bias : nil, kernels: kernels)
  }

  func run(
    _ kernels: Kernels, _ activation: Activation = .none, withBias: Bool = true
  ) -> [Float] {
    a.withMatrix(rows: rows, columns: inputs) { a in
      .written(rows: rows, columns: outputs) {
        kernels.multiply(a, packed(withBias: withBias, kernels), activation: activation, into: $0)
      }
    }
  }

  /// Sizes around every edge: of a tile (6, 8), a vector (16), a panel (64), a block of rows (96)
  /// and a pass over K (1024).
  static let shapes = [
    Product(1, 1, 1), Product(1, 16, 7), Product(2, 17, 3), Product(5, 64, 33),
    Product(6, 65, 16), Product(7, 80, 31), Product(8, 15, 64), Product(9, 48, 5),
    Product(13, 100, 129), Product(16, 112, 40), Product(23, 127, 1), Product(97, 128, 24),
    Product(200, 5, 19), Product(33, 33, 1025), Product(3, 70, 2100), Product(50, 2, 48),
    Product(41, 3, 50), Product(35, 4, 17), Product(64, 8, 16), Product(19, 1, 1100),
    Product(18, 6, 33), Product(32, 7, 15), Product(47, 9, 70),
  ]
}

@Suite struct MatrixTests {
  @Test(arguments: Product.shapes) func bitsOfReference(_ product: Product) {
    for withBias in [true, false] {
      let expected = Reference.multiply(
        product.a, product.w, bias: withBias ? product.bias : nil, rows: product.rows,
        outputs: product.outputs, inputs: product.inputs)
      for kernels in instances {
        #expect(
          product.run(kernels, withBias: withBias).bits == expected.bits,
          "\(kernels.instructionSet.name), bias \(withBias)")
      }
    }
  }

  @Test(arguments: Product.shapes) func rowsDoNotKnowTheirNeighbours(_ product: Product) {
    for kernels in instances {
      let whole = product.run(kernels, .gelu)
      let w = product.packed()
      let split = product.a.withMatrix(rows: product.rows, columns: product.inputs) { a in
        [Float].written(rows: product.rows, columns: product.outputs) { c in
          for i in 0..<product.rows {
            kernels.multiply(a.rows(i..<i + 1), w, activation: .gelu, into: c.rows(i..<i + 1))
          }
        }
      }
      #expect(split.bits == whole.bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: Product.shapes) func columnRangesMakeTheWhole(_ product: Product) {
    for kernels in instances {
      let w = product.packed()
      let split = product.a.withMatrix(rows: product.rows, columns: product.inputs) { a in
        [Float].written(rows: product.rows, columns: product.outputs) { c in
          for first in stride(from: 0, to: product.outputs, by: PackedMatrix.panelWidth) {
            let last = min(first + PackedMatrix.panelWidth, product.outputs)
            kernels.multiply(a, w, columns: first..<last, into: c)
          }
        }
      }
      #expect(split.bits == product.run(kernels).bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test func stridesLeaveTheGapsAlone() {
    let product = Product(11, 37, 9)
    let strideA = 14
    let strideC = 41
    var spread = [Float](repeating: .nan, count: 11 * strideA)
    for i in 0..<11 { for k in 0..<9 { spread[i * strideA + k] = product.a[i * 9 + k] } }
    for kernels in instances {
      let expected = product.run(kernels)
      let c = spread.withMatrix(rows: 11, stride: strideA, columns: 9) { a in
        [Float].written(rows: 11, columns: 37, stride: strideC) {
          kernels.multiply(a, product.packed(), into: $0)
        }
      }
      for i in 0..<11 {
        let row = Array(c[i * strideC..<i * strideC + 37])
        #expect(row.bits == Array(expected[i * 37..<(i + 1) * 37]).bits)
        #expect(c[i * strideC + 37..<(i + 1) * strideC].allSatisfy { $0.isNaN })
      }
    }
  }

  @Test(arguments: Activation.allCases) func activationComesAfterTheBias(_ activation: Activation) {
    let functions: [Activation: ElementaryFunction] = [
      .gelu: .gelu, .geluTanh: .geluTanh, .relu: .relu, .tanh: .tanh, .silu: .silu,
    ]
    for product in [Product(13, 100, 129), Product(3, 70, 2100), Product(37, 3, 33)] {
      for kernels in instances {
        let plain = product.run(kernels)
        var expected = plain
        if let function = functions[activation] {
          expected.withUnsafeMutableBufferPointer { y in
            plain.withUnsafeBufferPointer { kernels.apply(function, to: $0, into: y) }
          }
        }
        #expect(product.run(kernels, activation).bits == expected.bits)
      }
    }
  }

  @Test func residualIsAddedLast() {
    for product in [Product(13, 100, 129), Product(3, 70, 2100), Product(37, 3, 33)] {
      let count = product.rows * product.outputs
      let residual = Sample.uniform(count, stream: 4)
      for kernels in instances {
        let expected = zip(residual, product.run(kernels)).map(+)
        let c = product.a.withMatrix(rows: product.rows, columns: product.inputs) { a in
          residual.withMatrix(rows: product.rows, columns: product.outputs) { residual in
            [Float].written(rows: product.rows, columns: product.outputs) {
              kernels.multiply(a, product.packed(), adding: residual, into: $0)
            }
          }
        }
        #expect(c.bits == expected.bits)
      }
    }
  }

  @Test func packingTakesAnyStrides() {
    let product = Product(4, 83, 35)
    // Wᵀ with gaps: element (n, k) at k * 90 + n, as the values of attention lie.
    var transposed = [Float](repeating: .nan, count: 35 * 90)
    for n in 0..<83 { for k in 0..<35 { transposed[k * 90 + n] = product.w[n * 35 + k] } }
    for kernels in instances {
      let w = PackedMatrix(
        transposed, rows: 83, columns: 35, rowStride: 1, columnStride: 90, bias: product.bias,
        kernels: kernels)
      let c = product.a.withMatrix(rows: 4, columns: 35) { a in
        [Float].written(rows: 4, columns: 83) { kernels.multiply(a, w, into: $0) }
      }
      #expect(c.bits == product.run(kernels).bits)
    }
  }

  @Test func notANumberReachesItsRowOnly() {
    for outputs in [2, 40, 70] {
      let product = Product(19, outputs, 33)
      var a = product.a
      a[4 * 33 + 20] = .nan
      for kernels in instances {
        for activation in Activation.allCases {
          let c = a.withMatrix(rows: 19, columns: 33) { a in
            [Float].written(rows: 19, columns: outputs) {
              kernels.multiply(a, product.packed(), activation: activation, into: $0)
            }
          }
          for i in 0..<19 {
            let row = c[i * outputs..<(i + 1) * outputs]
            #expect(row.allSatisfy { $0.isNaN == (i == 4) }, "row \(i), \(activation)")
          }
        }
      }
    }
  }
}
