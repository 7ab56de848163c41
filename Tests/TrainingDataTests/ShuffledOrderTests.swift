import Testing
import TrainingData

@Suite struct ShuffledOrderTests {
  @Test(arguments: [0, 1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000, 4096, 4097])
  func everyPlaceOnce(_ count: Int) {
    for epoch in 0..<3 {
      let order = ShuffledOrder(count: count, seed: 7, epoch: epoch)
      #expect(Set((0..<count).map { order[$0] }) == Set(0..<count))
    }
  }

  @Test func epochsAndSeedsDiffer() {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
      let order = ShuffledOrder(count: 100, seed: seed, epoch: epoch)
      return (0..<100).map { order[$0] }
    }
    #expect(order(1, 0) == order(1, 0))
    #expect(order(1, 0) != order(1, 1))
    #expect(order(1, 0) != order(2, 0))
    #expect(order(1, 0) != Array(0..<100))
  }

  /// Every value is at every place about as often, by χ² of 10 × 10 counts over 4000 orders.
  ///
  /// The counts of a random order have 81 degrees of freedom; 1 in 10⁵ random tables is above 144.
  @Test func ordersAreUniform() {
    let (count, orders) = (10, 4000)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: count), count: count)
    for epoch in 0..<orders {
      let order = ShuffledOrder(count: count, seed: 3, epoch: epoch)
      for place in 0..<count { counts[place][order[place]] += 1 }
    }
    let expected = Double(orders) / Double(count)
    let square = counts.joined().reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    #expect(square < 144, "χ² = \(square)")
  }

  /// Neighbours are not neighbours again: of random orders of 10⁵ places two are on the mean.
  @Test func neighboursAreTornApart() {
    let order = ShuffledOrder(count: 100_000, seed: 5, epoch: 1)
    let kept = (1..<100_000).count { abs(order[$0] - order[$0 - 1]) == 1 }
    #expect(kept < 12, "\(kept) neighbours")
  }
}
