import Kernels

/// Orders of vertices that a seed decides.
enum VertexOrder {
  /// All vertices, in a random order.
  ///
  /// - Parameters:
  ///   - count: Vertices.
  ///   - seed: That of the index.
  /// - Returns: Their numbers.
  static func random(_ count: Int, seed: UInt64) -> [Int32] {
    var order = (0..<count).map { Int32($0) }
    let random = CounterRandom(seed: seed, stream: stream)
    for i in stride(from: count - 1, to: 0, by: -1) {
      let draw = UInt64(random.bits(at: UInt64(i)))
      order.swapAt(i, Int(draw * UInt64(i + 1) >> 32))
    }
    return order
  }

  /// The stream of random numbers that belongs to the order of vertices alone.
  private static let stream: UInt64 = 0x0067_7261_7068
}
