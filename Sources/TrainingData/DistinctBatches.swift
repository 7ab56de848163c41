/// Batches in which no query and no document is there twice, whoever's it is: none of them can be
/// compared as somebody else's negative with the query that it answers.
///
/// As sentence-transformers' `NoDuplicatesBatchSampler` has it: a tuple that shares something with
/// the batch waits for the next one, in front of those behind it. So every tuple has its turn in each
/// epoch, and what many tuples share makes batches that are not full.
package final class DistinctBatches: EpochBatches {
  private let source: any TupleSource
  private let batchSize: Int
  /// Nil where tuples stay in their order.
  private let shuffleSeed: UInt64?
  /// The batches of the epoch that was asked for last.
  private var plan: Plan?

  /// The batches of an epoch, one behind the other.
  private struct Plan {
    let epoch: Int
    var tuples: [Int] = []
    var ends: [Int] = []
  }

  package var isEven: Bool { shuffleSeed == nil && !source.varies }

  /// Batches of the tuples of a source, which must know their keys.
  package init(_ source: any TupleSource, batchSize: Int, shuffleSeed: UInt64?) {
    precondition(source.count > 0 && batchSize > 0, "nothing to train with")
    self.source = source
    self.batchSize = batchSize
    self.shuffleSeed = shuffleSeed
  }

  package func count(_ epoch: Int) -> Int { plan(epoch).ends.count }

  package func batch(_ index: Int, epoch: Int) -> [Int] {
    let plan = plan(epoch)
    return Array(plan.tuples[(index == 0 ? 0 : plan.ends[index - 1])..<plan.ends[index]])
  }

  private func plan(_ epoch: Int) -> Plan {
    // Batches that are the same in every epoch are found once.
    let epoch = isEven ? 0 : epoch
    if let plan, plan.epoch == epoch { return plan }
    let new = makePlan(epoch)
    plan = new
    return new
  }

  private func makePlan(_ epoch: Int) -> Plan {
    let order = shuffleSeed.map { ShuffledOrder(count: source.count, seed: $0, epoch: epoch) }
    var plan = Plan(epoch: epoch)
    var waiting = WaitingTuples()
    var next = 0
    func tuple(_ place: Int) -> Int { order?[place] ?? place }
    while plan.tuples.count < source.count {
      let end = plan.tuples.count + batchSize
      var used: Set<UInt64> = []
      while plan.tuples.count < end, let place = waiting.next(besides: used) {
        take(tuple(place), place)
      }
      while plan.tuples.count < end, next < source.count {
        take(tuple(next), next)
        next += 1
      }
      waiting.endBatch()
      plan.ends.append(plan.tuples.count)

      func take(_ index: Int, _ place: Int) {
        let keys = source.keys(of: index, epoch: epoch)
        if let key = keys.first(where: used.contains) {
          waiting.add(place, for: key)
        } else {
          plan.tuples.append(index)
          used.formUnion(keys)
        }
      }
    }
    return plan
  }
}

/// Places of tuples that wait for a batch without something that they have.
///
/// They stand in a queue for each thing, so that a batch that has it passes all of them over at once:
/// thousands of tuples may share a document.
private struct WaitingTuples {
  /// Places by the key that they wait for, the first in front.
  private var queues: [UInt64: MinimumHeap] = [:]
  /// The first place of each queue that may have its turn, with its key; some are out of date.
  private var heads = MinimumHeap()
  private var keysOfHeads: [Int: UInt64] = [:]
  /// Keys of queues that have no further turn in this batch.
  private var parked: Set<UInt64> = []

  /// Lets a place wait for a key that the batch has.
  mutating func add(_ place: Int, for key: UInt64) {
    queues[key, default: MinimumHeap()].insert(place)
    parked.insert(key)
  }

  /// The first place that waits for nothing which the batch has; it waits no more.
  mutating func next(besides used: Set<UInt64>) -> Int? {
    while let place = heads.first {
      heads.removeFirst()
      // A place stands in one queue at a time.
      guard let key = keysOfHeads.removeValue(forKey: place), queues[key]?.first == place else {
        continue
      }
      guard !used.contains(key) else {
        parked.insert(key)
        continue
      }
      queues[key]?.removeFirst()
      if queues[key]?.first == nil { queues[key] = nil }
      showHead(of: key)
      return place
    }
    return nil
  }

  /// Gives all queues a turn in the next batch.
  mutating func endBatch() {
    for key in parked { showHead(of: key) }
    parked = []
  }

  private mutating func showHead(of key: UInt64) {
    guard let place = queues[key]?.first, keysOfHeads[place] == nil else { return }
    keysOfHeads[place] = key
    heads.insert(place)
  }
}

/// Numbers of which the smallest is at hand.
private struct MinimumHeap {
  private var numbers: [Int] = []

  var first: Int? { numbers.first }

  mutating func insert(_ number: Int) {
    numbers.append(number)
    var place = numbers.count - 1
    while place > 0, numbers[place] < numbers[(place - 1) / 2] {
      numbers.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func removeFirst() {
    numbers.swapAt(0, numbers.count - 1)
    numbers.removeLast()
    var place = 0
    while 2 * place + 1 < numbers.count {
      var least = 2 * place + 1
      if least + 1 < numbers.count, numbers[least + 1] < numbers[least] { least += 1 }
      guard numbers[least] < numbers[place] else { return }
      numbers.swapAt(place, least)
      place = least
    }
  }
}
