import Testing
import Training

@Suite struct StepPlanTests {
  /// Every tuple once an epoch, in batches of full size but for the last; an epoch ends with a step.
  @Test(
    arguments: [
      (tuples: 1, batch: 1, accumulate: 1), (10, 3, 1), (10, 3, 2), (10, 3, 4), (10, 3, 9),
      (12, 3, 2), (7, 10, 3), (97, 8, 5),
    ], [nil, 4] as [UInt64?])
  func everyTupleOnce(_ sizes: (tuples: Int, batch: Int, accumulate: Int), seed: UInt64?) {
    let plan = StepPlan(
      tuples: sizes.tuples, batchSize: sizes.batch, accumulate: sizes.accumulate,
      shuffleSeed: seed)
    let batches = (sizes.tuples + sizes.batch - 1) / sizes.batch
    #expect(plan.stepsPerEpoch == (batches + sizes.accumulate - 1) / sizes.accumulate)
    for epoch in 0..<3 {
      var all: [[Int]] = []
      for step in 0..<plan.stepsPerEpoch {
        let found = plan.batches(epoch * plan.stepsPerEpoch + step)
        #expect(found.epoch == epoch)
        let isLast = step == plan.stepsPerEpoch - 1
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
      let plan = StepPlan(tuples: 50, batchSize: 8, accumulate: 2, shuffleSeed: seed)
      let steps = epoch * plan.stepsPerEpoch..<(epoch + 1) * plan.stepsPerEpoch
      return steps.flatMap { plan.batches($0).batches.flatMap { $0 } }
    }
    let orders = [order(1, 0), order(1, 1), order(2, 0), order(2, 1)]
    #expect(Set(orders).count == 4)
    #expect(order(1, 1) == orders[1])
  }
}
