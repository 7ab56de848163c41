import KernelReference
import Kernels
import Testing

@Suite struct ElementwiseTests {
  private func apply(_ function: ElementaryFunction, _ x: [Float], _ kernels: Kernels) -> [Float] {
    .written(rows: 1, columns: x.count) { out in
      x.withUnsafeBufferPointer {
        kernels.apply(
          function, to: $0, into: UnsafeMutableBufferPointer(start: out.base, count: x.count))
      }
    }
  }

  /// Every float of one sign in steps of 4093 bit patterns: all magnitudes, subnormals too.
  private static let sweep: [Float] = stride(from: UInt32(0), to: 0x7f80_0000, by: 4093).flatMap {
    [Float(bitPattern: $0), -Float(bitPattern: $0)]
  }
  /// Inputs from −20 to 20, where the functions bend, densely.
  private static let middle: [Float] = stride(from: -2_000_000, through: 2_000_000, by: 7).map {
    Float($0) * 1e-5
  }
  private static let corners: [Float] = [
    0, -0.0, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
    .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude, 1, -1, 88.72283,
    88.72284, -87.33655, -103.97, -103.98, 0.34657359, 15, -15, 9.01, -9.01, 0.41421354, .nan,
  ]

  /// Largest errors allowed, in units in the last place of the result.
  ///
  /// The unit of a subnormal result is that of the smallest normal number. GELU and SiLU multiply
  /// their tails by x, down to -110, after the tail has become subnormal. The exponent inside its tanh form is rounded twice and reaches a
  /// hundred, so only the bound on size holds there.
  private static let limits: [ElementaryFunction: Double] = [
    .exp: 1.1, .gelu: 10, .geluTanh: 300, .relu: 0, .tanh: 2.5, .sigmoid: 2.5, .log1pRelu: 1.6,
    .silu: 110,
  ]

  /// Largest relative errors allowed of results above 0.001 in size.
  private static let relativeLimits: [ElementaryFunction: Double] = [
    .exp: 1.2e-7, .gelu: 5e-7, .geluTanh: 2e-6, .relu: 0, .tanh: 3e-7, .sigmoid: 3e-7,
    .log1pRelu: 2e-7, .silu: 4e-7,
  ]

  @Test(arguments: ElementaryFunction.allCases) func accuracy(_ function: ElementaryFunction) {
    var worst = (units: 0.0, at: Float(0))
    var worstRelative = (error: 0.0, at: Float(0))
    for (x, y) in [Self.sweep, Self.middle].flatMap({ zip($0, apply(function, $0, Kernels())) }) {
      let truth = Reference.apply(function, to: Double(x))
      let rounded = Float(truth)
      if !rounded.isFinite || y.isNaN {
        if y != rounded { worst = (.infinity, x) }
        continue
      }
      let error = abs(Double(y) - truth)
      let units = error / Double(max(rounded.magnitude, .leastNormalMagnitude).ulp)
      if units > worst.units { worst = (units, x) }
      if abs(truth) > 1e-3, error > worstRelative.error * abs(truth) {
        worstRelative = (error / abs(truth), x)
      }
    }
    #expect(worst.units <= Self.limits[function] ?? 0, "at \(worst.at)")
    #expect(worstRelative.error <= Self.relativeLimits[function] ?? 0, "at \(worstRelative.at)")
  }

  @Test func extremes() {
    let expected: [ElementaryFunction: [Float]] = [
      .exp: [0, .infinity], .gelu: [0, .infinity], .geluTanh: [0, .infinity],
      .relu: [0, .infinity], .tanh: [-1, 1], .sigmoid: [0, 1], .log1pRelu: [0, .infinity],
      .silu: [0, .infinity],
    ]
    for function in ElementaryFunction.allCases {
      for kernels in instances {
        #expect(apply(function, [-.infinity, .infinity], kernels) == expected[function])
        #expect(apply(function, [.nan, -.nan, .signalingNaN], kernels).allSatisfy { $0.isNaN })
      }
    }
  }

  @Test(arguments: ElementaryFunction.allCases)
  func sameBitsOnAllInstructionSets(_ function: ElementaryFunction) {
    let x = Self.sweep + Self.corners.filter { !$0.isNaN }
    let expected = apply(function, x, Kernels(.portable)).bits
    for kernels in instances {
      #expect(apply(function, x, kernels).bits == expected, "\(kernels.instructionSet.name)")
    }
  }

  @Test(arguments: ElementaryFunction.allCases)
  func elementsDoNotKnowTheirNeighbours(_ function: ElementaryFunction) {
    let x = Sample.uniform(70, stream: 13).map { 5 * $0 }
    for kernels in instances {
      let whole = apply(function, x, kernels)
      for count in [1, 15, 16, 17, 31, 33, 69] {
        let part = Array(x[1..<1 + count])
        #expect(apply(function, part, kernels).bits == Array(whole[1..<1 + count]).bits)
      }
    }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 33, 100, 769]) func linear(_ count: Int) {
    let x = Sample.uniform(count, stream: 14)
    let y = Sample.uniform(count, stream: 15)
    for kernels in instances {
      x.withUnsafeBufferPointer { x in
        let dot = y.withUnsafeBufferPointer { kernels.dot(x, $0) }
        #expect(dot.bitPattern == Reference.dot(Array(x), y).bitPattern)
        var scaled = y
        scaled.withUnsafeMutableBufferPointer { kernels.scale(x, by: 0.3, into: $0) }
        #expect(scaled.bits == x.map { $0 * 0.3 }.bits)
        var sum = y
        sum.withUnsafeMutableBufferPointer { kernels.addScaled(x, by: 0.3, to: $0) }
        #expect(sum.bits == zip(x, y).map { $1.addingProduct(0.3, $0) }.bits)
      }
    }
  }
}
