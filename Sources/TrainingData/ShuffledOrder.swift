import Kernels

/// A random order of 0..<count, of which any place can be had without those before it.
///
/// A Feistel network over the least square that holds `count`, walked until it comes back into the
/// range (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002): no table, so that
/// data of any size is shuffled as a whole, and a place is found again after a restart.
package struct ShuffledOrder: Sendable {
  package let count: Int
  private let random: CounterRandom
  /// Bits of each half.
  private let bits: UInt64

  /// Rounds after which a Feistel network of random functions cannot be told from a random order
  /// (four, Luby and Rackoff, 1988), and as many more for small halves.
  private static let rounds: UInt64 = 8

  /// The order of `count` places that belongs to an epoch of a seed.
  package init(count: Int, seed: UInt64, epoch: Int) {
    precondition(count >= 0 && epoch >= 0, "\(count) places, epoch \(epoch)")
    self.count = count
    random = CounterRandom(seed: seed, stream: UInt64(epoch))
    var bits: UInt64 = 1
    while 1 << (2 * bits) < UInt64(count) { bits += 1 }
    self.bits = bits
  }

  /// What stands at a place.
  package subscript(place: Int) -> Int {
    precondition(place >= 0 && place < count, "place \(place) of \(count)")
    var value = UInt64(place)
    repeat { value = permute(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func permute(_ value: UInt64) -> UInt64 {
    let mask = (UInt64(1) << bits) - 1
    var (left, right) = (value >> bits, value & mask)
    for round in 0..<Self.rounds {
      // Halves are below 2³², so that round and half together are a counter.
      let mixed = UInt64(random.block(at: round << 32 | right)[0])
      (left, right) = (right, left ^ (mixed & mask))
    }
    return left << bits | right
  }
}
