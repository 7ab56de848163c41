import Failures
import Glibc
import JSON
import Streams

/// Messages of a tool on the standard error: one write a line, so that the lines of a pipeline's
/// tools do not mix.
package struct Diagnostics: Sendable {
  package enum Level: Int, Sendable {
    case quiet = 0
    case normal = 1
    case verbose = 2
  }

  package enum Format: String, Sendable, CaseIterable { case text, json }

  package var tool: String
  package var level: Level
  package var format: Format

  package init(tool: String, level: Level = .normal, format: Format = .text) {
    self.tool = tool
    self.level = level
    self.format = format
  }

  package func error(_ failure: Failure) {
    emit(
      "error", failure.description,
      extra: [JSON.Member("status", .integer(Int(failure.status.rawValue)))])
    if let hint = failure.hint { emit("hint", hint) }
  }

  package func warning(_ message: String) {
    if level != .quiet { emit("warning", message) }
  }

  /// Writes a message that only `-q` leaves out.
  package func say(_ message: String) {
    if level != .quiet { emit("note", message) }
  }

  /// Writes a message that only `-v` asks for.
  package func note(_ message: String) {
    if level == .verbose { emit("note", message) }
  }

  /// The last line of a run: `TOOL: done key=value …`.
  package func summary(_ fields: [(String, String)]) {
    if level == .quiet { return }
    switch format {
    case .text:
      write("\(tool): done " + fields.map { "\($0)=\($1)" }.joined(separator: " "))
    case .json:
      emit("done", "done", extra: fields.map { JSON.Member($0, Self.value($1)) })
    }
  }

  /// Says in a line of its own how far the work is, for logs: as JSON, or as a sentence.
  package func progress(_ text: String, _ fields: [(String, String)]) {
    switch format {
    case .text: write("\(tool): \(text)")
    case .json: emit("progress", text, extra: fields.map { JSON.Member($0, Self.value($1)) })
    }
  }

  private static func value(_ text: String) -> JSON {
    if let integer = Int(text) { return .integer(integer) }
    if let double = Double(text), double.isFinite { return .double(double) }
    return .string(text)
  }

  private func emit(_ kind: String, _ message: String, extra: [JSON.Member] = []) {
    switch format {
    case .text: write("\(tool): \(kind): \(message)")
    case .json:
      let line: [JSON.Member] = [
        JSON.Member("time", .string(Self.now)), JSON.Member("tool", .string(tool)),
        JSON.Member("level", .string(kind)),
        JSON.Member("message", .string(message)),
      ]
      write(JSON.object(line + extra).serialized())
    }
  }

  /// A line of text has the time in front under `-v`, for logs; a JSON object has it as a member.
  private func write(_ line: String) {
    let line = format == .text && level == .verbose ? "\(Self.now) \(line)" : line
    TerminalLine.clear()
    Self.write(line + "\n")
  }

  /// The time of day in seconds, UTC as ISO 8601 writes it: `2026-01-31T23:59:59Z`.
  private static var now: String {
    var seconds = time(nil)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
  }

  /// One `write`; where the standard error is gone there is nobody to tell.
  private static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in _ = Glibc.write(2, bytes.baseAddress, bytes.count) }
  }
}
