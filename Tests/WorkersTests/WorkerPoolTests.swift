import Failures
import Foundation
import Synchronization
import Testing
import Workers

/// Loops on several threads: every index once, in whatever order.
struct WorkerPoolTests {
  /// Counts of indices that workers may add to at any time.
  ///
  /// ThreadSanitizer sees the lock of Foundation, and not that of a Mutex. `lock` guards `counts`.
  private final class Counters: @unchecked Sendable {
    private let lock = NSLock()
    private var counts: [Int]

    init(_ count: Int) { counts = Array(repeating: 0, count: count) }

    func add(_ index: Int) { lock.withLock { counts[index] += 1 } }
    var values: [Int] { lock.withLock { counts } }
  }

  @Test(arguments: 1...4, [0, 1, 2, 3, 1000])
  func everyIndexOnce(threads: Int, count: Int) throws {
    let pool = WorkerPool(threads: threads)
    let counters = Counters(count)
    let workers = Counters(threads)
    try pool.forEach(count) { index, worker throws(Failure) in
      counters.add(index)
      workers.add(worker)
    }
    #expect(counters.values == Array(repeating: 1, count: count))
    #expect(workers.values.reduce(0, +) == count)
  }

  /// No two indices run under one worker's number at a time.
  @Test(arguments: 1...4)
  func workersAreAlone(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    // A bit a worker. ThreadSanitizer does not see the locks of a Mutex, but atomic values.
    let busy = Atomic<UInt>(0)
    let clashes = Atomic<Int>(0)
    try pool.forEach(5000) { _, worker throws(Failure) in
      let bit: UInt = 1 << UInt(worker)
      let before = busy.bitwiseOr(bit, ordering: .acquiringAndReleasing).oldValue
      if before & bit != 0 { clashes.add(1, ordering: .relaxed) }
      busy.bitwiseAnd(~bit, ordering: .acquiringAndReleasing)
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: 1...4)
  func manyLoops(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    let total = Atomic<Int>(0)
    for round in 0..<3000 {
      let count = round % 5
      let before = total.load(ordering: .sequentiallyConsistent)
      try pool.forEach(count) { index, _ throws(Failure) in
        total.add(index + 1, ordering: .relaxed)
      }
      // The loop has ended: nobody adds any more.
      let sum = total.load(ordering: .sequentiallyConsistent) - before
      #expect(sum == count * (count + 1) / 2)
    }
  }

  /// A loop that waits for threads which wait for it is a bug that says so.
  @Test func aLoopStartsNoOtherOfItsPool() async {
    await #expect(processExitsWith: .failure) {
      let pool = WorkerPool(threads: 2)
      try pool.forEach(2) { _, _ throws(Failure) in
        try pool.forEach(2) { _, _ throws(Failure) in }
      }
    }
  }

  /// Pools come and go, with and without work.
  @Test func manyPools() throws {
    for round in 0..<200 {
      let pool = WorkerPool(threads: 1 + round % 4)
      let counters = Counters(8)
      if round % 3 != 0 {
        try pool.forEach(8) { index, _ throws(Failure) in counters.add(index) }
        #expect(counters.values == Array(repeating: 1, count: 8))
      }
    }
  }

  @Test(arguments: 1...4)
  func lowestFailure(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    for first in [0, 1, 17, 499] {
      let failure = #expect(throws: Failure.self) {
        try pool.forEach(500) { index, _ throws(Failure) in
          if index >= first { throw .usage("index \(index)") }
        }
      }
      #expect(failure?.message == "index \(first)")
      // The pool is as good as before.
      let counters = Counters(50)
      try pool.forEach(50) { index, _ throws(Failure) in counters.add(index) }
      #expect(counters.values == Array(repeating: 1, count: 50))
    }
  }

  /// The failure of the lower index counts, though that of the higher one comes first.
  @Test func slowLowestFailure() {
    let pool = WorkerPool(threads: 2)
    let laterHasFailed = Atomic<Bool>(false)
    let failure = #expect(throws: Failure.self) {
      try pool.forEach(2) { index, _ throws(Failure) in
        if index == 0 {
          while !laterHasFailed.load(ordering: .acquiring) {}
        } else {
          laterHasFailed.store(true, ordering: .releasing)
        }
        throw .usage("index \(index)")
      }
    }
    #expect(failure?.message == "index 0")
  }

  /// After a failure no further index is started, but for those that were already handed out.
  @Test func stopsAfterFailure() {
    let pool = WorkerPool(threads: 1)
    let counters = Counters(10)
    #expect(throws: Failure.self) {
      try pool.forEach(10) { index, _ throws(Failure) in
        counters.add(index)
        if index == 3 { throw .usage("stop") }
      }
    }
    #expect(counters.values == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
  }

  /// A loop of the pool's own threads, each waiting for the others: they do run at once.
  @Test func threadsRunAtOnce() throws {
    let pool = WorkerPool(threads: 3)
    let present = Atomic<Int>(0)
    try pool.forEach(3) { _, _ throws(Failure) in
      present.add(1, ordering: .acquiringAndReleasing)
      while present.load(ordering: .acquiring) < 3 { sched_yield() }
    }
    #expect(present.load(ordering: .acquiring) == 3)
  }
}

struct WorkerValueTests {
  @Test(arguments: 1...4)
  func workerLocal(threads: Int) throws {
    let pool = WorkerPool(threads: threads)
    let local = WorkerLocal(pool) { [Int]() }
    try pool.forEach(1000) { index, worker throws(Failure) in
      local.with(worker) { $0.append(index) }
    }
    let all = (0..<threads).flatMap { worker in local.with(worker) { $0 } }
    #expect(all.sorted() == Array(0..<1000))
  }

  @Test func results() {
    let results = Results<String>(3)
    for index in [2, 0, 1] { results.set(index, "r\(index)") }
    #expect((0..<3).map { results.take($0) } == ["r0", "r1", "r2"])
  }

  @Test func processors() {
    #expect(AvailableProcessors.count >= 1)
    #expect(AvailableProcessors.count <= 1 << 16)
  }
}
