/// Random numbers as a function of (seed, stream, index): Philox4x32-10.
///
/// Any number can be had without those before it, so results depend neither on the order of work
/// nor on threads. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. The same
/// bits on every machine: nothing here calls a mathematical library.
package struct CounterRandom: RandomNumberGenerator, Sendable {
  /// Chooses the sequence: one for an experiment.
  package let seed: UInt64
  /// Chooses an independent sequence of the same seed: one for a purpose or a record.
  package let stream: UInt64
  /// The index of the next 32 bits that `next()` takes.
  package var position: UInt64

  /// The sequence of `seed` and `stream`, from `position` on.
  package init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// Ten rounds of Philox4x32 on one counter, least significant words first.
  package static func philox(
    counter: SIMD4<UInt32>, key: SIMD2<UInt32>
  ) -> SIMD4<UInt32> {
    var x = counter
    var k = key
    for _ in 0..<10 {
      let first = UInt64(x[0]) * 0xD251_1F53
      let second = UInt64(x[2]) * 0xCD9E_8D57
      x = SIMD4(
        UInt32(second >> 32) ^ x[1] ^ k[0], UInt32(truncatingIfNeeded: second),
        UInt32(first >> 32) ^ x[3] ^ k[1], UInt32(truncatingIfNeeded: first))
      k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return x
  }

  /// Block `index` of the sequence: its bits 4 · index ..< 4 · index + 4.
  package func block(at index: UInt64) -> SIMD4<UInt32> {
    Self.philox(
      counter: SIMD4(low(index), high(index), low(stream), high(stream)),
      key: SIMD2(low(seed), high(seed)))
  }

  /// The 32 bits at `index`.
  package func bits(at index: UInt64) -> UInt32 { block(at: index / 4)[Int(index % 4)] }

  /// Uniform in [0, 1), a multiple of 2⁻²⁴, from the bits at `index`.
  package func uniform(at index: UInt64) -> Float { Float(bits(at: index) >> 8) * 0x1p-24 }

  /// Standard normal, from the bits at `index`: the quantile of a uniform number in (0, 1).
  package func normal(at index: UInt64) -> Float {
    Float(normalQuantile((Double(bits(at: index)) + 0.5) * 0x1p-32))
  }

  /// The next 64 bits: two positions, the first in the lower half.
  package mutating func next() -> UInt64 {
    let lower = nextBits()
    return UInt64(lower) | UInt64(nextBits()) << 32
  }

  /// The next 32 bits.
  package mutating func nextBits() -> UInt32 {
    defer { position &+= 1 }
    return bits(at: position)
  }

  /// The next standard normal number.
  package mutating func nextNormal() -> Float {
    defer { position &+= 1 }
    return normal(at: position)
  }

  private func low(_ x: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: x) }
  private func high(_ x: UInt64) -> UInt32 { UInt32(x >> 32) }
}

/// x with Φ(x) = p for 0 < p < 1, to about 16 digits: PPND16 of Wichura, algorithm AS 241, 1988.
package func normalQuantile(_ p: Double) -> Double {
  precondition(p > 0 && p < 1, "the normal quantile of \(p)")
  let q = p - 0.5
  if abs(q) <= 0.425 {
    let r = 0.180625 - q * q
    return q * polynomial(r, central.0) / polynomial(r, central.1)
  }
  let r = (-naturalLogarithm(q < 0 ? p : 1 - p)).squareRoot()
  let x =
    r <= 5
    ? polynomial(r - 1.6, outer.0) / polynomial(r - 1.6, outer.1)
    : polynomial(r - 5, far.0) / polynomial(r - 5, far.1)
  return q < 0 ? -x : x
}

/// log x for normal x > 0 by 2 artanh((m − 1) / (m + 1)), to a few units in the last place.
private func naturalLogarithm(_ x: Double) -> Double {
  var exponent = Double(x.exponent)
  var m = x.significand
  if m > 1.4142135623730951 {
    m /= 2
    exponent += 1
  }
  let t = (m - 1) / (m + 1)
  let square = t * t
  var sum = 0.0
  // |t| < 0.172: the term of degree 25 is below 2⁻⁶⁴ of the first.
  for degree in stride(from: 25, through: 1, by: -2) { sum = sum * square + 1 / Double(degree) }
  return exponent * 0.6931471805599453 + 2 * t * sum
}

/// Σ c[i] xⁱ.
private func polynomial(_ x: Double, _ c: [Double]) -> Double {
  c.reversed().reduce(0) { $0 * x + $1 }
}

private let central: ([Double], [Double]) = (
  [
    3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3,
    1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
    3.3430575583588128105e+4, 2.5090809287301226727e+3,
  ],
  [
    1, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
    2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
    5.2264952788528545610e+3,
  ]
)

private let outer: ([Double], [Double]) = (
  [
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4,
  ],
  [
    1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
    1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
    1.05075007164441684324e-9,
  ]
)

private let far: ([Double], [Double]) = (
  [
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7,
  ],
  [
    1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
    2.04426310338993978564e-15,
  ]
)
