import Kernels
import Testing

@Suite struct ConversionTests {
  private func widen(_ x: [UInt16], _ format: HalfFormat, _ kernels: Kernels) -> [Float] {
    .written(rows: 1, columns: x.count) { out in
      x.withUnsafeBufferPointer {
        kernels.widen(
          $0, format, into: UnsafeMutableBufferPointer(start: out.base, count: x.count))
      }
    }
  }

  private func narrow(_ x: [Float], _ format: HalfFormat, _ kernels: Kernels) -> [UInt16] {
    var out = [UInt16](repeating: 0xdead, count: x.count)
    out.withUnsafeMutableBufferPointer { out in
      x.withUnsafeBufferPointer { kernels.narrow($0, to: format, into: out) }
    }
    return out
  }

  /// Value = (−1)^s · 2^(e − bias) · 1.m, from the definition of the formats.
  private func value(_ bits: UInt16, _ format: HalfFormat) -> Double {
    let mantissaBits = format == .float16 ? 10 : 7
    let exponentBits = 15 - mantissaBits
    let bias = 1 << (exponentBits - 1) - 1
    let exponent = Int(bits & 0x7fff) >> mantissaBits
    let mantissa = Double(Int(bits) & (1 << mantissaBits - 1))
    let fraction = mantissa / Double(1 << mantissaBits)
    let sign = bits & 0x8000 == 0 ? 1.0 : -1.0
    if exponent == 1 << exponentBits - 1 { return mantissa == 0 ? sign * .infinity : .nan }
    return exponent == 0
      ? sign * Double(sign: .plus, exponent: 1 - bias, significand: fraction)
      : sign * Double(sign: .plus, exponent: exponent - bias, significand: 1 + fraction)
  }

  @Test(arguments: HalfFormat.allCases) func wideningIsExact(_ format: HalfFormat) {
    let all = (0...UInt16.max).map { $0 }
    for kernels in instances {
      for (bits, wide) in zip(all, widen(all, format, kernels)) {
        let expected = value(bits, format)
        let same = expected.isNaN ? wide.isNaN && !wide.isSignalingNaN : Double(wide) == expected
        if !same { Issue.record("\(bits): \(wide), not \(expected)") }
        if wide.sign != (bits & 0x8000 == 0 ? .plus : .minus) { Issue.record("\(bits): sign") }
      }
    }
  }

  @Test(arguments: HalfFormat.allCases) func narrowingUndoesWidening(_ format: HalfFormat) {
    let all = (0...UInt16.max).map { $0 }
    for kernels in instances {
      for (bits, back) in zip(all, narrow(widen(all, format, kernels), format, kernels)) {
        // A signalling NaN comes back quiet: the highest bit of its mantissa is set.
        let quiet: UInt16 = value(bits, format).isNaN ? (format == .float16 ? 0x200 : 0x40) : 0
        if back != bits | quiet { Issue.record("\(bits) came back as \(back)") }
      }
    }
  }

  /// Halfway between two neighbours, and one float to each side of it.
  @Test(arguments: HalfFormat.allCases) func narrowingRoundsToNearestEven(_ format: HalfFormat) {
    let largest: UInt16 = format == .float16 ? 0x7bff : 0x7f7f
    for kernels in instances {
      var x: [Float] = []
      var expected: [UInt16] = []
      for bits in 0..<largest {
        let halfway = Float((value(bits, format) + value(bits + 1, format)) / 2)
        x += [halfway.nextDown, halfway, halfway.nextUp]
        expected += [bits, bits % 2 == 0 ? bits : bits + 1, bits + 1]
      }
      let step = value(largest, format) - value(largest - 1, format)
      let edge = Float(value(largest, format) + step / 2)
      x += [edge.nextDown, edge, .greatestFiniteMagnitude, .infinity]
      expected += [largest, largest + 1, largest + 1, largest + 1]
      #expect(narrow(x, format, kernels) == expected)
      #expect(narrow(x.map { -$0 }, format, kernels) == expected.map { $0 | 0x8000 })
    }
  }
}
