import Failures
import Glibc
import JSON
import Streams

/// `metrics.jsonl`: a line a step and a validation.
package final class MetricsLog {
  private let path: String
  private let descriptor: Int32
  /// Lines in front of the last that are no metrics: the file was changed or damaged.
  package let unreadable: Int

  /// Goes on with a log behind a step: what was logged of later ones is dropped.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - step: The step that training goes on from; nil for a new log.
  /// - Throws: 66, 73 or 74 where the file cannot be read or written.
  package init(_ path: String, keeping step: Int?) throws(Failure) {
    self.path = path
    var kept: [UInt8] = []
    var unreadable = 0
    if let step, WholeFile.exists(path) {
      let lines = try WholeFile.read(path).split(separator: 0x0A)
      for (number, line) in lines.enumerated() {
        guard let own = (try? JSONParser.parse(Array(line)))?["step"]?.integer else {
          // A kill may have cut the last line.
          if number + 1 < lines.count { unreadable += 1 }
          continue
        }
        if own <= step { kept += line + [0x0A] }
      }
    }
    self.unreadable = unreadable
    let writer = try ByteWriter(path, compression: Compression.none)
    try writer.write(kept)
    try writer.finish()
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError.cannotCreate(path) }
  }

  deinit { close(descriptor) }

  /// Logs a step.
  ///
  /// - Parameters:
  ///   - report: What the step did.
  ///   - losses: The names of the losses, in their order.
  ///   - seconds: What the step took.
  /// - Throws: 74 where the line cannot be written.
  package func add(
    _ report: StepReport, losses: [String], seconds: Double
  ) throws(Failure) {
    var members: [JSON.Member] = [
      JSON.Member("step", .integer(report.step)), JSON.Member("epoch", .integer(report.epoch)),
      JSON.Member("loss", .double(report.loss)),
    ]
    members += zip(losses, report.terms).map { JSON.Member($0, Self.number($1)) }
    members += [
      JSON.Member("lr", .double(report.learningRate)),
      JSON.Member("grad_norm", .double(report.gradientNorm)),
      JSON.Member(
        "tokens_per_second", Self.number((Double(report.tokens) / max(seconds, 1e-9)).rounded())),
    ]
    try write(.object(members))
  }

  /// Logs a validation.
  ///
  /// - Parameters:
  ///   - validation: Its name.
  ///   - step: The step after which it took place.
  ///   - values: Its measures and their values.
  /// - Throws: 74 where the line cannot be written.
  package func add(
    validation: String, step: Int, _ values: some Sequence<(String, Double)>
  ) throws(Failure) {
    try write(
      .object(
        [JSON.Member("step", .integer(step)), JSON.Member("validation", .string(validation))]
          + values.map { JSON.Member($0, Self.number($1)) }))
  }

  /// Has what was logged so far outlive a loss of power.
  ///
  /// - Throws: 74 where it cannot be written.
  package func sync() throws(Failure) {
    guard fsync(descriptor) == 0 else { throw SystemError.io(path, "fsync") }
  }

  /// JSON has no NaN: a loss that no weight counts may be one.
  private static func number(_ value: Double) -> JSON {
    value.isFinite ? .double(value) : .null
  }

  private func write(_ json: JSON) throws(Failure) {
    var text = json.serialized() + "\n"
    let written = text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard written == text.utf8.count else { throw SystemError.io(path, "write") }
  }
}
