import Kernels

/// Which layers of a graph the documents are in: all in the lowest one, and of each layer one in so many in
/// the next.
///
/// Documents stand in the order of their highest layer, the highest first, and at random within it: the
/// vertices of each layer are the first ones of the order.
struct HNSWLayers {
  /// The document of each place of the order.
  let order: [Int32]
  /// How many documents each layer has, the lowest first.
  let sizes: [Int]

  /// - Parameters:
  ///   - count: Documents.
  ///   - degree: Neighbours of a vertex above the lowest layer, at least 2: one in so many documents of a
  ///     layer is in the next.
  ///   - seed: That of the index.
  init(_ count: Int, degree: Int, seed: UInt64) {
    let random = CounterRandom(seed: seed, stream: Self.stream)
    var sizes = [count]
    var levels = [UInt8](repeating: 0, count: count)
    for document in 0..<count {
      let draw = UInt64(random.bits(at: UInt64(document)))
      var limit = (1 << 32) / UInt64(degree)
      while draw < limit {
        levels[document] += 1
        let level = Int(levels[document])
        if level == sizes.count { sizes.append(0) }
        sizes[level] += 1
        limit /= UInt64(degree)
      }
    }
    var order: [Int32] = []
    order.reserveCapacity(count)
    let shuffled = VertexOrder.random(count, seed: seed)
    for level in sizes.indices.reversed() {
      order += shuffled.lazy.filter { levels[Int($0)] == level }
    }
    self.order = order
    self.sizes = sizes
  }

  /// The stream of random numbers that belongs to layers alone.
  private static let stream: UInt64 = 0x6c61_7965_7273

  /// The place of each document in the order.
  var places: [Int32] {
    var places = [Int32](repeating: 0, count: order.count)
    for (place, document) in order.enumerated() { places[Int(document)] = Int32(place) }
    return places
  }
}
