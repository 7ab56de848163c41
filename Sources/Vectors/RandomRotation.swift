import Kernels

/// A random rotation of vectors that takes n log n steps: signs, a Hadamard transform of as many
/// numbers as a power of two has, from either end by turns, and a turn of each number of the first
/// half with one of the second.
///
/// After Kac's walk; the same bits on every machine, as every operation is written out.
package struct RandomRotation: Sendable {
  /// Numbers of a rotated vector: those of a vector and zeros up to a multiple of 64.
  package let width: Int
  private let dimension: Int
  private let kernels = Kernels()
  /// signs[rounds, width].
  private let signs: [Float]

  private static let rounds = 4

  package init(dimension: Int, seed: UInt64) {
    precondition(dimension > 0, "a rotation of \(dimension) numbers")
    self.dimension = dimension
    let width = (dimension + 63) / 64 * 64
    self.width = width
    let random = CounterRandom(seed: seed, stream: Self.stream)
    signs = (0..<Self.rounds * width).map { random.bits(at: UInt64($0)) & 1 == 0 ? 1 : -1 }
  }

  /// The stream of random numbers that belongs to rotations alone.
  private static let stream: UInt64 = 0x726f_7461_7465

  /// A rotated vector of `width` numbers.
  ///
  /// For arrays alone: for any collection it would not be specialised in other modules, and each number
  /// would cost as much as the rotation of it.
  package func callAsFunction(_ vector: [Float]) -> [Float] {
    precondition(vector.count == dimension, "\(vector.count) numbers, \(dimension) expected")
    return [Float](unsafeUninitializedCapacity: width) { x, filled in
      let rest = x.initialize(fromContentsOf: vector)
      x[rest...].initialize(repeating: 0)
      filled = width
      kernels.rotate(x, signs: signs, rounds: Self.rounds)
    }
  }
}
