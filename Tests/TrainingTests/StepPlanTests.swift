import Testing
import Training
import TrainingData

@Suite struct StepPlanTests {
  /// Every tuple once an epoch, in batches of full size but for the last; an epoch ends with a step.
  @Test(
    arguments: [
      (tuples: 1, batch: 1, accumulate: 1), (10, 3, 1), (10, 3, 2), (10, 3, 4), (10, 3, 9),
      (12, 3, 2), (7, 10, 3), (97, 8, 5),
    ], [nil, 4] as [UInt64?])
  func everyTupleOnce(_ sizes: (tuples: Int, batch: Int, accumulate: Int), seed: UInt64?) {
    let plan = StepPlan(
      ConsecutiveBatches(tuples: sizes.tuples, batchSize: sizes.batch, shuffleSeed: seed),
      accumulate: sizes.accumulate)
    let steps = plan.steps(of: 0)
    let batches = (sizes.tuples + sizes.batch - 1) / sizes.batch
    #expect(steps == (batches + sizes.accumulate - 1) / sizes.accumulate)
    for epoch in 0..<3 {
      var all: [[Int]] = []
      for step in 0..<steps {
        let found = plan.batches(epoch * steps + step)
        #expect(found.epoch == epoch)
        let isLast = step == steps - 1
        #expect(
          found.batches.count == sizes.accumulate
            || isLast && found.batches.count == batches - step * sizes.accumulate)
        all += found.batches
      }
      #expect(all.dropLast().allSatisfy { $0.count == sizes.batch })
      #expect(all.count == batches)
      let order = all.flatMap { $0 }
      if seed == nil {
        #expect(order == Array(0..<sizes.tuples))
      } else {
        #expect(order.sorted() == Array(0..<sizes.tuples))
      }
    }
  }

  /// Each epoch and each seed has an order of its own, which a run finds again at any step.
  @Test func orders() {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
      let plan = StepPlan(
        ConsecutiveBatches(tuples: 50, batchSize: 8, shuffleSeed: seed), accumulate: 2)
      let steps = plan.steps(of: epoch)
      return (epoch * steps..<(epoch + 1) * steps).flatMap {
        plan.batches($0).batches.flatMap { $0 }
      }
    }
    let orders = [order(1, 0), order(1, 1), order(2, 0), order(2, 1)]
    #expect(Set(orders).count == 4)
    #expect(order(1, 1) == orders[1])
  }

  /// Epochs of 3, 1, 4, 1 and 5 batches.
  private struct UnevenBatches: EpochBatches {
    let isEven = false
    func count(_ epoch: Int) -> Int { [3, 1, 4, 1, 5][epoch] }
    func batch(_ index: Int, epoch: Int) -> [Int] { [10 * epoch + index] }
  }

  /// In steps of two batches: 2, 1, 2, 1 and 3 steps, wherever one begins to ask.
  @Test(arguments: [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 2, 5, 0], [3]])
  func unevenEpochs(_ asked: [Int]) {
    let all: [(epoch: Int, batches: [[Int]])] = [
      (0, [[0], [1]]), (0, [[2]]), (1, [[10]]), (2, [[20], [21]]), (2, [[22], [23]]),
      (3, [[30]]), (4, [[40], [41]]), (4, [[42], [43]]), (4, [[44]]),
    ]
    let plan = StepPlan(UnevenBatches(), accumulate: 2)
    for step in asked {
      let found = plan.batches(step)
      #expect(found.epoch == all[step].epoch && found.batches == all[step].batches, "\(step)")
    }
    #expect([1, 2, 3, 4, 5].map { plan.steps(ofEpochs: $0, atMost: .max) } == [2, 3, 5, 6, 9])
    #expect(plan.steps(ofEpochs: 5, atMost: 4) == 4)
  }

  @Test func epochsBeyondCounting() {
    let plan = StepPlan(
      ConsecutiveBatches(tuples: 10, batchSize: 3, shuffleSeed: nil), accumulate: 1)
    #expect(plan.steps(ofEpochs: 7, atMost: .max) == 28)
    #expect(plan.steps(ofEpochs: 7, atMost: 20) == 20)
    #expect(plan.steps(ofEpochs: .max, atMost: 99) == 99)
  }
}
