import Glibc

/// The distributions of the tests' statistics.
package enum Distributions {
  /// Chance that a standard normal variable is at most `z`.
  package static func normal(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// Chance that Student's t is at most `t`.
  package static func student(_ t: Double, degrees: Double) -> Double {
    if t.isInfinite { return t > 0 ? 1 : 0 }
    let tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return t > 0 ? 1 - tail : tail
  }

  /// Chance that the absolute value of Student's t is at least that of `t`.
  package static func studentTwoSided(_ t: Double, degrees: Double) -> Double {
    if t.isInfinite { return 0 }
    return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
  }

  /// The regularised incomplete beta function (Numerical Recipes' continued fraction, by Lentz).
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    let front = exp(
      logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x))
    if x > (a + 1) / (a + b + 2) { return 1 - front * fraction(1 - x, b, a) / b }
    return front * fraction(x, a, b) / a
  }

  private static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func guarded(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / guarded(1 - (a + b) * x / (a + 1))
    var h = d
    for i in 1...10_000 {
      let m = Double(i)
      for numerator in [
        m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
        -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
      ] {
        d = 1 / guarded(1 + numerator * d)
        c = guarded(1 + numerator / c)
        h *= d * c
      }
      if abs(d * c - 1) < 1e-16 { break }
    }
    return h
  }

  /// Chance that the studentised range of `groups` normal variables exceeds `q`.
  ///
  /// The range's distribution is integrated over that of the standard deviation. NaN for NaN: there
  /// is no range of values that do not vary.
  package static func studentizedRange(
    above q: Double, groups: Int, degrees: Double
  ) -> Double {
    if q.isNaN { return q }
    if q <= 0 { return 1 }
    let width = 10 / (2 * degrees).squareRoot()
    let logScale =
      log(2.0) + degrees / 2 * log(degrees / 2) - logGamma(degrees / 2)
    let inside = Quadrature.integrate(max(1e-9, 1 - width), 1 + width, panels: 16) { s in
      let density = exp(logScale + (degrees - 1) * log(s) - degrees * s * s / 2)
      return density < 1e-18 ? 0 : density * range(q * s, groups)
    }
    return min(1, max(0, 1 - inside))
  }

  /// Chance that the range of so many standard normal variables is at most `r`.
  private static func range(_ r: Double, _ groups: Int) -> Double {
    let scale = Double(groups) / (2 * Double.pi).squareRoot()
    return Quadrature.integrate(-8.5, 8.5, panels: 12) { z in
      let share = normal(z) - normal(z - r)
      return scale * exp(-z * z / 2) * pow(share, Double(groups - 1))
    }
  }
}

/// Integrals by Gauss and Legendre's rule with sixteen points a panel.
enum Quadrature {
  private static let points: [(x: Double, weight: Double)] = [
    (0.0950125098376374, 0.1894506104550685), (0.2816035507792589, 0.1826034150449236),
    (0.4580167776572274, 0.1691565193950025), (0.6178762444026438, 0.1495959888165767),
    (0.7554044083550030, 0.1246289712555339), (0.8656312023878318, 0.0951585116824928),
    (0.9445750230732326, 0.0622535239386479), (0.9894009349916499, 0.0271524594117541),
  ]

  static func integrate(
    _ low: Double, _ high: Double, panels: Int, _ function: (Double) -> Double
  ) -> Double {
    let half = (high - low) / Double(2 * panels)
    var sum = 0.0
    for panel in 0..<panels {
      let middle = low + half * Double(2 * panel + 1)
      for (x, weight) in points {
        sum += weight * (function(middle - half * x) + function(middle + half * x))
      }
    }
    return sum * half
  }
}
