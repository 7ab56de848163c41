import Failures
import Records
import Testing

@Suite struct ShardSelectionTests {
  @Test func coversEveryRecordOnce() throws {
    for total in [0, 1, 5, 100, 1001] {
      for count in [1, 2, 3, 7, 150] {
        var next = 0
        for index in 1...count {
          let shard = try #require(ShardSelection(index: index, count: count))
          let range = shard.range(of: total)
          #expect(range.lowerBound == next)
          #expect(range.upperBound == index * total / count)
          next = range.upperBound
        }
        #expect(next == total)
      }
    }
  }

  @Test func doesNotOverflow() throws {
    let shard = try #require(ShardSelection(index: 1 << 40, count: 1 << 40))
    #expect(shard.range(of: .max).upperBound == .max)
  }

  @Test func parses() throws {
    #expect(try ShardSelection(parsing: "2/3").description == "2/3")
    for text in ["", "1", "0/3", "4/3", "a/3", "1/0", "1/3/4", "-1/3", "+1/3", "1/ 3", "auto"] {
      let failure = #expect(throws: Failure.self) { try ShardSelection(parsing: text) }
      #expect(failure?.status == .usage)
    }
  }

  @Test(arguments: [
    (["SLURM_ARRAY_TASK_ID": "3"], 3),
    (["SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "0"], 4),
    (
      [
        "SLURM_ARRAY_TASK_ID": "20", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_STEP": "10",
      ], 3
    ),
    (["PBS_ARRAY_INDEX": "2"], 2), (["PBS_ARRAYID": "2"], 2), (["LSB_JOBINDEX": "4"], 4),
    (["SGE_TASK_ID": "undefined", "LSB_JOBINDEX": "1"], 1),
    (["SGE_TASK_ID": "5", "SGE_TASK_FIRST": "3"], 3),
    // Whole arrays: from 1, from 0, with a step.
    (slurm(task: 3, first: 1, count: 4), 3), (slurm(task: 3, first: 0, count: 4), 4),
    (slurm(task: 7, first: 1, step: 2, count: 4), 4), (sge(task: 4, tasks: 1...4), 4),
    // Parts of them that are submitted again.
    (slurm(task: 3, first: 3, count: 2), 3), (slurm(task: 4, first: 3, count: 2), 4),
    (slurm(task: 2, first: 2, step: 2, count: 2), 2), (slurm(task: 2, first: 0, count: 2), 3),
    (slurm(task: 0, first: 0, count: 1), 1), (sge(task: 3, tasks: 3...3), 3),
    (sge(task: 4, tasks: 2...4, step: 2), 4),
  ])
  func asksTheScheduler(environment: [String: String], index: Int) throws {
    let shard = try ShardSelection(parsing: "auto/4", environment: { environment[$0] })
    #expect(shard == ShardSelection(index: index, count: 4))
  }

  private static func slurm(task: Int, first: Int, step: Int = 1, count: Int) -> [String: String] {
    [
      "SLURM_ARRAY_TASK_ID": "\(task)", "SLURM_ARRAY_TASK_MIN": "\(first)",
      "SLURM_ARRAY_TASK_STEP": "\(step)", "SLURM_ARRAY_TASK_COUNT": "\(count)",
    ]
  }

  private static func sge(
    task: Int, tasks: ClosedRange<Int>, step: Int = 1
  ) -> [String: String] {
    [
      "SGE_TASK_ID": "\(task)", "SGE_TASK_FIRST": "\(tasks.lowerBound)",
      "SGE_TASK_LAST": "\(tasks.upperBound)", "SGE_TASK_STEPSIZE": "\(step)",
    ]
  }

  @Test func saysWhereNoSchedulerIs() {
    for environment in [[:], ["LSB_JOBINDEX": "0"], ["SLURM_ARRAY_TASK_ID": "5"]] {
      let failure = #expect(throws: Failure.self) {
        try ShardSelection(parsing: "auto/4", environment: { environment[$0] })
      }
      #expect(failure?.status == .usage)
      #expect(failure?.hint != nil)
    }
  }
}
