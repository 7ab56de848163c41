import Kernels
import Testing

@Suite struct CounterRandomTests {
  /// The known answers that Random123 publishes for philox4x32 with ten rounds.
  @Test func knownAnswers() {
    let ones = UInt32.max
    #expect(
      CounterRandom.philox(counter: .zero, key: .zero)
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      CounterRandom.philox(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      CounterRandom.philox(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func seedStreamAndPositionAreTheCounter() {
    let random = CounterRandom(seed: 0x299f_31d0_a409_3822, stream: 0x0370_7344_1319_8a2e)
    #expect(
      random.block(at: 0x85a3_08d3_243f_6a88)
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func theNextIsTheOneAtItsPosition() {
    var random = CounterRandom(seed: 7, stream: 3)
    let fixed = random
    for i in 0..<9 { #expect(random.nextBits() == fixed.bits(at: UInt64(i))) }
    #expect(random.nextNormal() == fixed.normal(at: 9))
    #expect(random.next() == UInt64(fixed.bits(at: 10)) | UInt64(fixed.bits(at: 11)) << 32)
    #expect(random.position == 12)
  }

  @Test func streamsAndSeedsDiffer() {
    let blocks = [(1, 1), (1, 2), (2, 1)].map { CounterRandom(seed: $0, stream: $1).block(at: 0) }
    #expect(Set(blocks).count == 3)
  }

  /// Φ of the quantile is the probability: values of a table, to the last digit of a double.
  @Test func normalQuantiles() {
    let table: [(Double, Double)] = [
      (0.5, 0), (0.975, 1.959963984540054), (0.84, 0.994457883209753),
      (0.001, -3.090232306167813), (1e-12, -7.034483825301131), (1e-100, -21.27345351),
    ]
    for (p, x) in table { #expect(abs(normalQuantile(p) - x) <= 1e-8 * max(1, abs(x))) }
    #expect(abs(normalQuantile(0.975) - 1.959963984540054) < 1e-14)
  }

  /// 2¹⁶ numbers: a mean is within 4/√n of 0 in all but six of a hundred thousand seeds; this one
  /// is fixed.
  @Test func moments() {
    let random = CounterRandom(seed: 11)
    let n = 1 << 16
    let uniform = (0..<n).map { Double(random.uniform(at: UInt64($0))) }
    let normal = (0..<n).map { Double(random.normal(at: UInt64($0))) }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / Double(n) - 0.5) < 4 / 256 * 0.29)
    #expect(abs(normal.reduce(0, +) / Double(n)) < 4.0 / 256)
    let variance = normal.reduce(0) { $0 + $1 * $1 } / Double(n)
    #expect(abs(variance - 1) < 4 * 2.0.squareRoot() / 256)
  }
}
