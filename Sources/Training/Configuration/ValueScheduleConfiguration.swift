import Failures

/// A value of the configuration that changes from step to step.
package struct ValueScheduleConfiguration: Sendable {
  /// Place of the loss, and which of its numbers.
  package var loss: Int
  package var value: String
  package var schedule: ScheduleConfiguration

  static func read(
    _ top: ConfigurationReader, _ losses: [LossTerm]
  ) throws(Failure) -> [ValueScheduleConfiguration] {
    var known: [String: (loss: Int, value: String)] = [:]
    var counts: Set<String> = []
    for (i, term) in losses.enumerated() {
      for number in term.numbers { known["losses.\(i).\(number)"] = (i, number) }
      counts.formUnion(term.counts.map { "losses.\(i).\($0)" })
    }
    var schedules: [ValueScheduleConfiguration] = []
    var used: Set<String> = []
    let keys = ["key"] + ScheduleConfiguration.keys
    for reader in try top.mappings("value_schedules", keys: keys) {
      let names = try reader.strings("key") ?? []
      if names.isEmpty { throw reader.failure("key", expected: "a key") }
      let schedule = try ScheduleConfiguration(reader)
      for key in names {
        if counts.contains(key) {
          throw .config(
            reader.file,
            "value_schedules: \(key) is a number of documents, and a schedule makes fractions")
        }
        guard let (loss, value) = known[key] else {
          throw reader.failure(
            "key", expected: "some of \(known.keys.sorted().joined(separator: ", "))")
        }
        guard used.insert(key).inserted else {
          throw .config(reader.file, "value_schedules: \(key) is there twice")
        }
        if losses[loss].divides(by: value), schedule.reachesZero {
          throw .config(
            reader.file,
            "value_schedules: \(key) would become 0, and \(losses[loss].name) divides by it",
            hint: "without a delay, and with a final value above 0 where it decays")
        }
        schedules.append(.init(loss: loss, value: value, schedule: schedule))
      }
    }
    return schedules
  }

  /// Multiplies the value in `terms`.
  package func apply(_ factor: Double, to terms: inout [LossTerm]) {
    terms[loss].multiply(value, by: factor)
  }
}
