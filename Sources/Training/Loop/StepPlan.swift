import Kernels
import TrainingData

/// Tuples of each step: a function of the step alone, so that a run goes on anywhere.
///
/// As with torch's loader and Lightning: the last batch of an epoch may be smaller, and an epoch ends
/// with a step, however few batches that has.
package struct StepPlan: Sendable {
  package let tuples: Int
  package let batchSize: Int
  package let accumulate: Int
  /// Nil where tuples stay in their order.
  private let shuffleSeed: UInt64?

  private var batchesPerEpoch: Int { (tuples + batchSize - 1) / batchSize }
  package var stepsPerEpoch: Int { (batchesPerEpoch + accumulate - 1) / accumulate }

  package init(tuples: Int, batchSize: Int, accumulate: Int, shuffleSeed: UInt64?) {
    precondition(tuples > 0 && batchSize > 0 && accumulate > 0, "nothing to train with")
    self.tuples = tuples
    self.batchSize = batchSize
    self.accumulate = accumulate
    self.shuffleSeed = shuffleSeed
  }

  /// The batches of a step: the epoch, and numbers of tuples.
  package func batches(_ step: Int) -> (epoch: Int, batches: [[Int]]) {
    let epoch = step / stepsPerEpoch
    let order = shuffleSeed.map { ShuffledOrder(count: tuples, seed: $0, epoch: epoch) }
    let first = step % stepsPerEpoch * accumulate
    let batches = (first..<min(first + accumulate, batchesPerEpoch)).map { batch in
      (batch * batchSize..<min((batch + 1) * batchSize, tuples)).map { order?[$0] ?? $0 }
    }
    return (epoch, batches)
  }
}
