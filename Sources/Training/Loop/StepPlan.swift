import TrainingData

/// Tuples of each step: a function of the step alone, so that a run goes on anywhere.
///
/// As with torch's loader and Lightning: the last batch of an epoch may be smaller, and an epoch ends
/// with a step, however few batches that has.
package final class StepPlan {
  private let source: any EpochBatches
  private let accumulate: Int
  /// First steps of the epochs that were counted so far, and the first step behind them; where all
  /// epochs are even, they are not needed.
  private var firsts = [0]

  /// Steps of `accumulate` batches each.
  package init(_ source: any EpochBatches, accumulate: Int) {
    precondition(accumulate > 0, "nothing to train with")
    self.source = source
    self.accumulate = accumulate
  }

  /// Number of steps of an epoch.
  package func steps(of epoch: Int) -> Int { (source.count(epoch) - 1) / accumulate + 1 }

  /// Number of steps of the first epochs, or `most` where there are more.
  package func steps(ofEpochs epochs: Int, atMost most: Int) -> Int {
    if source.isEven {
      let product = epochs.multipliedReportingOverflow(by: steps(of: 0))
      return product.overflow ? most : min(most, product.partialValue)
    }
    while firsts.count <= epochs, firsts[firsts.count - 1] < most { countEpoch() }
    return min(most, firsts[min(epochs, firsts.count - 1)])
  }

  /// The batches of a step: the epoch, and numbers of tuples.
  package func batches(_ step: Int) -> (epoch: Int, batches: [[Int]]) {
    let (epoch, own) = place(of: step)
    let first = own * accumulate
    let batches = (first..<min(first + accumulate, source.count(epoch))).map {
      source.batch($0, epoch: epoch)
    }
    return (epoch, batches)
  }

  /// The epoch of a step, and its number there.
  private func place(of step: Int) -> (epoch: Int, step: Int) {
    if source.isEven {
      let steps = steps(of: 0)
      return (step / steps, step % steps)
    }
    while firsts[firsts.count - 1] <= step { countEpoch() }
    var epochs = 0..<firsts.count
    while epochs.count > 1 {
      let middle = epochs.lowerBound + epochs.count / 2
      epochs = firsts[middle] <= step ? middle..<epochs.upperBound : epochs.lowerBound..<middle
    }
    return (epochs.lowerBound, step - firsts[epochs.lowerBound])
  }

  private func countEpoch() {
    firsts.append(firsts[firsts.count - 1] + steps(of: firsts.count - 1))
  }
}
