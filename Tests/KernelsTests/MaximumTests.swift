import KernelReference
import Kernels
import Testing

@Suite struct MaximumTests {
  /// Row numbers of sequences of 1, 2, 6, 7, 8, 13 and 40 rows, with two rows unused at the front.
  static let offsets = [2, 3, 5, 11, 18, 26, 39, 79]

  private func run(_ kernels: Kernels, _ product: Product, a: [Float]? = nil) -> [Float] {
    (a ?? product.a).withMatrix(rows: product.rows, columns: product.inputs) { a in
      .written(rows: Self.offsets.count - 1, columns: product.outputs) {
        kernels.multiplyMax(a, product.packed(), offsets: Self.offsets, into: $0)
      }
    }
  }

  @Test(arguments: [1, 2, 4, 16, 30, 64, 100, 150], [1, 31, 64])
  func bitsOfReference(outputs: Int, inputs: Int) {
    let product = Product(79, outputs, inputs)
    let whole = Reference.multiply(
      product.a, product.w, bias: product.bias, rows: 79, outputs: outputs, inputs: inputs)
    let expected = zip(Self.offsets, Self.offsets.dropFirst()).flatMap { first, last in
      Reference.maxOverRows(
        Array(whole[first * outputs..<last * outputs]), rows: last - first, columns: outputs)
    }
    for kernels in instances {
      #expect(run(kernels, product).bits == expected.bits, "\(kernels.instructionSet.name)")
    }
  }

  @Test func columnRangesMakeTheWhole() {
    let product = Product(79, 150, 20)
    for kernels in instances {
      let split = product.a.withMatrix(rows: 79, columns: 20) { a in
        [Float].written(rows: Self.offsets.count - 1, columns: 150) { out in
          for columns in [0..<64, 64..<150] {
            kernels.multiplyMax(
              a, product.packed(), offsets: Self.offsets, columns: columns, into: out)
          }
        }
      }
      #expect(split.bits == run(kernels, product).bits)
    }
  }

  @Test func notANumberReachesItsSequenceOnly() {
    let product = Product(79, 70, 20)
    for row in [11, 12, 17] {  // first, middle and last of the fourth sequence
      var a = product.a
      a[row * 20 + 3] = .nan
      for kernels in instances {
        let out = run(kernels, product, a: a)
        for s in 0..<Self.offsets.count - 1 {
          #expect(out[s * 70..<(s + 1) * 70].allSatisfy { $0.isNaN == (s == 3) })
        }
      }
    }
  }
}
