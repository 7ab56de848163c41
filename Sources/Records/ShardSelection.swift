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
    guard let index = isAuto ? try Self.task(environment) : Self.number(parts[0]) else {
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

  /// Where job schedulers put a task's number, and, if they say, the first one and the step.
  private static let schedulers: [(task: String, first: String?, step: String?)] = [
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"),
    ("PBS_ARRAY_INDEX", nil, nil),
    ("PBS_ARRAYID", nil, nil),
    ("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_STEPSIZE"),
    ("LSB_JOBINDEX", nil, nil),
  ]

  /// The task's number, from 1.
  private static func task(_ environment: (String) -> String?) throws(Failure) -> Int? {
    for scheduler in schedulers {
      guard let text = environment(scheduler.task) else { continue }
      // Outside of arrays SGE says "undefined", and LSF 0.
      guard let task = Self.number(text[...]), !(scheduler.task == "LSB_JOBINDEX" && task == 0)
      else { continue }
      let first = scheduler.first.flatMap(environment).flatMap { Self.number($0[...]) } ?? 1
      let step = scheduler.step.flatMap(environment).flatMap { Self.number($0[...]) } ?? 1
      return (task - first) / max(step, 1) + 1
    }
    throw .usage(
      "no job scheduler says which shard this is",
      hint: "auto/n reads \(schedulers.map(\.task).joined(separator: ", ")); give i/n instead")
  }
}
