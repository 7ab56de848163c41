/// The batches of every epoch: numbers of tuples, each once an epoch.
package protocol EpochBatches {
  /// Whether all epochs have as many batches.
  var isEven: Bool { get }
  /// Number of batches of an epoch.
  func count(_ epoch: Int) -> Int
  /// A batch of an epoch.
  func batch(_ index: Int, epoch: Int) -> [Int]
}

/// Tuples in the order of their epoch, so many a batch; the last one may be smaller.
package struct ConsecutiveBatches: EpochBatches {
  private let tuples: Int
  private let batchSize: Int
  /// Nil where tuples stay in their order.
  private let shuffleSeed: UInt64?

  package let isEven = true

  /// Batches of `tuples` tuples; those of a seed are in an order of their own in each epoch.
  package init(tuples: Int, batchSize: Int, shuffleSeed: UInt64?) {
    precondition(tuples > 0 && batchSize > 0, "nothing to train with")
    self.tuples = tuples
    self.batchSize = batchSize
    self.shuffleSeed = shuffleSeed
  }

  package func count(_ epoch: Int) -> Int { (tuples - 1) / batchSize + 1 }

  package func batch(_ index: Int, epoch: Int) -> [Int] {
    let order = shuffleSeed.map { ShuffledOrder(count: tuples, seed: $0, epoch: epoch) }
    let first = index * batchSize
    return (first..<first + min(batchSize, tuples - first)).map { order?[$0] ?? $0 }
  }
}
