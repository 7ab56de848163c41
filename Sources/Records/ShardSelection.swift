import Failures
import Glibc

/// Part `i` of `n` of an input, `i` from 1.
package struct ShardSelection: Sendable, Equatable, CustomStringConvertible {
  /// Which part, from 1.
  package let index: Int
  /// How many parts.
  package let count: Int

  /// Part `index` of `count`; nil unless 1 ≤ `index` ≤ `count`.
  package init?(index: Int, count: Int) {
    guard count >= 1, (1...count).contains(index) else { return nil }
    (self.index, self.count) = (index, count)
  }

  /// Parses `i/n`, or `auto/n`, which takes `i` from the job scheduler's environment.
  ///
  /// - Throws: 64 for anything else, with a hint where the scheduler says nothing.
  package init(
    parsing text: String, environment: (String) -> String? = ShardSelection.variable
  ) throws(Failure) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = Self.number(parts[1]), count >= 1 else {
      throw .usage("expected a shard i/n or auto/n, found '\(text)'")
    }
    let isAuto = parts[0] == "auto"
    guard let index = isAuto ? try Self.task(of: count, environment) : Self.number(parts[0]) else {
      throw .usage("expected a shard i/n or auto/n, found '\(text)'")
    }
    guard let shard = ShardSelection(index: index, count: count) else {
      throw .usage(
        "shard \(index)/\(count) does not exist",
        hint: isAuto
          ? "the job array must have as many tasks as there are shards, \(count)"
          : "shards are numbered from 1 to \(count)")
    }
    self = shard
  }

  /// `i/n`.
  package var description: String { "\(index)/\(count)" }

  /// The ordinals of this part of `total` records: ⌊(i−1)·N/n⌋ up to, not including, ⌊i·N/n⌋.
  package func range(of total: Int) -> Range<Int> {
    precondition(total >= 0, "\(total) records")
    func bound(_ i: Int) -> Int {
      // The product may take 128 bits; the quotient is at most `total`.
      count.dividingFullWidth(i.multipliedFullWidth(by: total)).quotient
    }
    return bound(index - 1)..<bound(index)
  }

  /// The value of an environment variable of this process.
  package static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Digits alone: no sign, no white space.
  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
    return Int(text)
  }

  /// Where job schedulers put a task's number, and, if they say, the first and the last one of its
  /// array, the step, and how many there are.
  private struct Scheduler {
    let task: String
    var first: String?
    var last: String?
    var step: String?
    var count: String?
  }

  private static let schedulers = [
    Scheduler(
      task: "SLURM_ARRAY_TASK_ID", first: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP",
      count: "SLURM_ARRAY_TASK_COUNT"),
    Scheduler(task: "PBS_ARRAY_INDEX"),
    Scheduler(task: "PBS_ARRAYID"),
    Scheduler(
      task: "SGE_TASK_ID", first: "SGE_TASK_FIRST", last: "SGE_TASK_LAST",
      step: "SGE_TASK_STEPSIZE"),
    Scheduler(task: "LSB_JOBINDEX"),
  ]

  /// The task's number, from 1.
  ///
  /// An array of `shards` tasks may begin at any number and take any step.
  /// One of fewer tasks is a part of such an array, submitted again, as in `--array=3,7`: its numbers
  /// are those of the whole, from 1, or from 0 where one of them is 0.
  private static func task(
    of shards: Int, _ environment: (String) -> String?
  ) throws(Failure) -> Int? {
    for scheduler in schedulers {
      guard let text = environment(scheduler.task) else { continue }
      func said(_ name: String?) -> Int? {
        name.flatMap(environment).flatMap { Self.number($0[...]) }
      }
      // Outside of arrays SGE says "undefined", and LSF 0.
      guard let task = Self.number(text[...]), !(scheduler.task == "LSB_JOBINDEX" && task == 0)
      else { continue }
      let first = said(scheduler.first) ?? 1
      let step = max(said(scheduler.step) ?? 1, 1)
      let count = said(scheduler.count) ?? said(scheduler.last).map { ($0 - first) / step + 1 }
      if let count, count < shards { return first == 0 ? task + 1 : task }
      return (task - first) / step + 1
    }
    throw .usage(
      "no job scheduler says which shard this is",
      hint: "auto/n reads \(schedulers.map(\.task).joined(separator: ", ")); give i/n instead")
  }
}
