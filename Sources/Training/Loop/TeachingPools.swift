import Failures
import TrainingData

/// Pools of tuples of which each of two encoders learns what the other one is worst at as the pool begins
/// (Choi et al., arXiv:2209.05917, Algorithm 1; `train_model` of the authors' `model/SpaDE_cotraining.py` at
/// a026cce).
///
/// A pool lasts as many steps as what is chosen of it needs. Before teaching begins all of it is learnt.
package final class TeachingPools {
  /// The tuples of an epoch that are rated together, and when.
  package struct Pool: Equatable {
    package var epoch: Int
    /// Place among the pools of the epoch.
    package var index: Int
    /// Its first step, from 0.
    package var firstStep: Int
    package var isTaught: Bool

    package init(epoch: Int, index: Int, firstStep: Int, isTaught: Bool) {
      self.epoch = epoch
      self.index = index
      self.firstStep = firstStep
      self.isTaught = isTaught
    }
  }

  /// Tuples of a pool that each encoder learns from.
  package struct Choice: Equatable {
    /// First step of the pool.
    package var firstStep: Int
    package var tuples: [[Int]]
  }

  let loss: DualEncoderLoss
  private let count: Int
  private let size: Int
  private let batchSize: Int
  private let accumulate: Int
  private let order: ConsecutiveBatches
  /// The pool that was asked for last.
  private var last: Pool

  /// The pools of a training; nil where it has none.
  ///
  /// - Parameters:
  ///   - configuration: The training.
  ///   - tuples: Tuples of an epoch.
  ///   - seed: Seed of their orders.
  /// - Throws: 78 where a pool is smaller than a step, or batches may not have everything.
  convenience init?(
    _ configuration: TrainingConfiguration, tuples: Int, seed: () -> UInt64
  ) throws(Failure) {
    guard let loss = configuration.losses.compactMap(\.dual).first, let size = loss.teachingPool
    else { return nil }
    let step = configuration.batchSize * configuration.accumulate
    guard size >= step else {
      throw .config(
        nil, "losses: teaching_pool: expected the \(step) queries of a step or more, found \(size)")
    }
    guard !configuration.data.noDuplicates else {
      throw .config(nil, "losses: teaching_pool goes without data.no_duplicates")
    }
    self.init(
      loss, tuples: tuples, size: size, batchSize: configuration.batchSize,
      accumulate: configuration.accumulate,
      shuffleSeed: configuration.data.shuffles ? seed() : nil)
  }

  /// Pools of `size` tuples of an epoch each, the last one perhaps smaller.
  package init(
    _ loss: DualEncoderLoss, tuples: Int, size: Int, batchSize: Int, accumulate: Int,
    shuffleSeed: UInt64?
  ) {
    self.loss = loss
    count = tuples
    self.size = size
    self.batchSize = batchSize
    self.accumulate = accumulate
    order = ConsecutiveBatches(tuples: tuples, batchSize: size, shuffleSeed: shuffleSeed)
    last = Self.first(loss)
  }

  private static func first(_ loss: DualEncoderLoss) -> Pool {
    Pool(epoch: 0, index: 0, firstStep: 0, isTaught: loss.teachingStart == 0)
  }

  /// The pool of a step, from 0.
  package func pool(at step: Int) -> Pool {
    if step < last.firstStep { last = Self.first(loss) }
    while step >= last.firstStep + steps(last) { last = next(last) }
    return last
  }

  /// Tuples of a pool.
  package func tuples(_ pool: Pool) -> [Int] { order.batch(pool.index, epoch: pool.epoch) }

  /// The batches of a step among what is learnt of a pool.
  package func batches(of tuples: [Int], _ step: Int, _ pool: Pool) -> [[Int]] {
    let first = (step - pool.firstStep) * batchSize * accumulate
    let end = min(first + batchSize * accumulate, tuples.count)
    return stride(from: first, to: end, by: batchSize).map { start in
      Array(tuples[start..<min(start + batchSize, end)])
    }
  }

  /// Number of steps of the first epochs, or `most` where there are more.
  package func steps(ofEpochs epochs: Int, atMost most: Int) -> Int {
    var pool = Self.first(loss)
    while pool.epoch < epochs, pool.firstStep < most { pool = next(pool) }
    return min(most, pool.firstStep)
  }

  private func steps(_ pool: Pool) -> Int {
    let own = min(size, count - pool.index * size)
    let learnt = pool.isTaught ? loss.chosen(of: own) : own
    return (learnt - 1) / (batchSize * accumulate) + 1
  }

  private func next(_ pool: Pool) -> Pool {
    let isLast = pool.index == order.count(pool.epoch) - 1
    let first = pool.firstStep + steps(pool)
    return Pool(
      epoch: isLast ? pool.epoch + 1 : pool.epoch, index: isLast ? 0 : pool.index + 1,
      firstStep: first, isTaught: first >= loss.teachingStart)
  }
}
