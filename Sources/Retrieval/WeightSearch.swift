import Failures

/// A search for the weights that make a value largest, over a grid: all of it for two or three weights,
/// else by coordinate ascent.
///
/// The grid has all weights that are multiples of 1/20, or of the next smaller step that has equal
/// weights in it, and add up to 1. From equal weights and from each one alone the ascent goes through
/// all pairs of weights, again and again, and divides what a pair has together in the best way, until
/// no pair is divided anew. Nothing is random.
package struct WeightSearch: Sendable {
  /// How many weights.
  package let count: Int
  /// What their multiples of the grid's step add up to.
  package let units: Int
  /// Values that differ by less are one: sums of floating-point numbers hang on their order.
  private static let resolution = 1e-9

  /// - Parameter count: How many weights, at least one.
  package init(_ count: Int) {
    precondition(count > 0, "no weights")
    self.count = count
    units = (20 + count - 1) / count * count
  }

  /// The best weights.
  ///
  /// Of weights with one value it takes the simpler ones: equal ones, then those of smaller whole
  /// numbers, then those that are nearer to equal, then those that give more to the first.
  ///
  /// - Parameter value: The value of weights; a number that is none counts less than all.
  /// - Returns: Weights as whole numbers without a common divisor.
  /// - Throws: What `value` throws.
  package func best(_ value: ([Int]) throws(Failure) -> Double) throws(Failure) -> [Int] {
    var known: [[Int]: Point] = [:]
    func point(_ steps: [Int]) throws(Failure) -> Point {
      if let point = known[steps] { return point }
      let weights = Self.reduced(steps)
      let found = try value(weights)
      let point = Point(
        steps: steps, weights: weights,
        value: found.isNaN ? -.infinity : (found / Self.resolution).rounded())
      known[steps] = point
      return point
    }
    var best = try point([Int](repeating: units / count, count: count))
    if count <= 3 {
      for steps in Self.divisions(of: units, by: count) {
        let other = try point(steps)
        if other.precedes(best) { best = other }
      }
      return best.weights
    }
    let alone = (0..<count).map { one in (0..<count).map { $0 == one ? units : 0 } }
    for start in [best.steps] + alone {
      let end = try ascend(point(start), point)
      if end.precedes(best) { best = end }
    }
    return best.weights
  }

  /// The point that no pair of weights leads away from.
  private func ascend(
    _ start: Point, _ point: ([Int]) throws(Failure) -> Point
  ) throws(Failure) -> Point {
    var best = start
    while true {
      let before = best.steps
      for i in 0..<count {
        for j in i + 1..<max(count, i + 1) {
          var steps = best.steps
          let total = steps[i] + steps[j]
          for share in 0...total {
            (steps[i], steps[j]) = (share, total - share)
            let other = try point(steps)
            if other.precedes(best) { best = other }
          }
        }
      }
      if best.steps == before { return best }
    }
  }

  /// All ways to divide a number.
  private static func divisions(of total: Int, by count: Int) -> [[Int]] {
    if count == 1 { return [[total]] }
    return (0...total).flatMap { first in
      divisions(of: total - first, by: count - 1).map { [first] + $0 }
    }
  }

  /// Numbers without their greatest common divisor.
  private static func reduced(_ numbers: [Int]) -> [Int] {
    func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
    let common = numbers.reduce(0) { divisor($0, $1) }
    return numbers.map { $0 / max(1, common) }
  }

  private struct Point {
    /// Multiples of the grid's step.
    let steps: [Int]
    let weights: [Int]
    /// The value in steps of the resolution.
    let value: Double

    /// Whether these weights are better, or as good and simpler.
    func precedes(_ other: Point) -> Bool {
      if value != other.value { return value > other.value }
      let (mine, theirs) = (complexity, other.complexity)
      if mine != theirs { return mine < theirs }
      return other.weights.lexicographicallyPrecedes(weights)
    }

    private var complexity: (Int, Int, Int) {
      let isEqual = weights.allSatisfy { $0 == weights[0] }
      let squares = weights.reduce(0) { $0 + $1 * $1 }
      return (isEqual ? 0 : 1, weights.reduce(0, +), squares)
    }
  }
}
