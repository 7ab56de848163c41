import Kernels
import TestSupport
import Testing
import Vectors

@Suite struct TokenPoolingTests {
  /// PyLate's vectors, in its order; one product of single precision more or less in their sums.
  @Test(arguments: [2, 3, 5]) func vectorsOfPyLate(factor: Int) throws {
    let tensors = try Fixtures.tensors("search/pooling.safetensors")
    let width = try tensors.tensor("values").shape[1]
    let values = try tensors.floats("values")
    let expected = try tensors.floats("pooled\(factor).values")
    let lengths = try tensors.integers("pooled\(factor).lengths")
    var (start, next) = (0, 0)
    for (document, length) in try tensors.integers("lengths").enumerated() {
      let end = start + Int(length) * width
      let pooled = TokenPooling.pooled(
        Array(values[start..<end]), width: width, factor: factor, Kernels())
      #expect(pooled.count == Int(lengths[document]) * width)
      let wanted = expected[next..<min(next + pooled.count, expected.count)]
      #expect(zip(pooled, wanted).allSatisfy { abs($0 - $1) < 1e-6 }, "document \(document)")
      start = end
      next += Int(lengths[document]) * width
    }
    #expect(next == expected.count)
  }

  @Test func whatIsNotPooled() {
    let values: [Float] = [1, 0, 0, 1, 1, 1]
    #expect(TokenPooling.pooled(values, width: 2, factor: 1, Kernels()) == values)
    #expect(TokenPooling.pooled([], width: 2, factor: 3, Kernels()).isEmpty)
    #expect(TokenPooling.pooled([1, 2], width: 2, factor: 3, Kernels()) == [1, 2])
    // Two others become one, however far they are.
    #expect(TokenPooling.pooled(values, width: 2, factor: 9, Kernels()) == [1, 0, 0.5, 1])
  }

  /// Vectors that are equal, and such that are nothing, have distances that are all the same.
  @Test func equalVectors() {
    for one: [Float] in [[0.6, 0.8], [0, 0]] {
      let values = Array(repeating: one, count: 12).flatMap { $0 }
      let pooled = TokenPooling.pooled(values, width: 2, factor: 3, Kernels())
      #expect(pooled.count >= 4 && pooled.count <= 8)
      for start in stride(from: 0, to: pooled.count, by: 2) {
        #expect(abs(pooled[start] - one[0]) < 1e-6 && abs(pooled[start + 1] - one[1]) < 1e-6)
      }
    }
  }
}
