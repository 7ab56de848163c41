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
  private let window: Int
  /// signs[rounds, width].
  private let signs: [Float]

  private static let rounds = 4
  private static let halfRoot: Float = 0.70710678

  package init(dimension: Int, seed: UInt64) {
    precondition(dimension > 0, "a rotation of \(dimension) numbers")
    self.dimension = dimension
    let width = (dimension + 63) / 64 * 64
    self.width = width
    window = 1 << (Int.bitWidth - 1 - width.leadingZeroBitCount)
    let random = CounterRandom(seed: seed, stream: Self.stream)
    signs = (0..<Self.rounds * width).map { random.bits(at: UInt64($0)) & 1 == 0 ? 1 : -1 }
  }

  /// The stream of random numbers that belongs to rotations alone.
  private static let stream: UInt64 = 0x726f_7461_7465

  /// A rotated vector of `width` numbers.
  package func callAsFunction(_ vector: some Collection<Float>) -> [Float] {
    precondition(vector.count == dimension, "\(vector.count) numbers, \(dimension) expected")
    var x = Array(vector) + [Float](repeating: 0, count: width - dimension)
    x.withUnsafeMutableBufferPointer { x in
      for round in 0..<Self.rounds {
        for i in 0..<width { x[i] *= signs[round * width + i] }
        transform(&x, from: round % 2 == 0 ? 0 : width - window)
        if window < width { turn(&x) }
      }
    }
    return x
  }

  /// The orthogonal Hadamard transform of a window.
  private func transform(_ x: inout UnsafeMutableBufferPointer<Float>, from start: Int) {
    var half = 1
    while half < window {
      for first in stride(from: start, to: start + window, by: 2 * half) {
        for i in first..<first + half {
          let (a, b) = (x[i], x[i + half])
          x[i] = a + b
          x[i + half] = a - b
        }
      }
      half *= 2
    }
    let scale = 1 / Float(window).squareRoot()
    for i in start..<start + window { x[i] *= scale }
  }

  private func turn(_ x: inout UnsafeMutableBufferPointer<Float>) {
    let half = width / 2
    for i in 0..<half {
      let (a, b) = (x[i], x[i + half])
      x[i] = (a + b) * Self.halfRoot
      x[i + half] = (a - b) * Self.halfRoot
    }
  }
}
