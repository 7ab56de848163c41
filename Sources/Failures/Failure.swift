/// Exit statuses of the tools, after BSD's `sysexits.h`.
package enum ExitStatus: Int32, Sendable {
  /// A check that the user asked for said no (`--strict`, `verify`), or a NaN loss.
  case refused = 1
  /// The command line makes no sense.
  case usage = 64
  /// The input is damaged or malformed.
  case data = 65
  /// An input does not exist or cannot be opened.
  case noInput = 66
  /// A bug in the tool.
  case software = 70
  /// An output cannot be created.
  case cannotCreate = 73
  /// Reading or writing failed: a full disk, a broken device.
  case io = 74
  /// Stopped by a signal after a checkpoint: run the same command again.
  case retry = 75
  /// Intact but unsuitable: another model's stream, an unknown key, a missing tensor.
  case config = 78
}

/// The one error type of the library targets: what went wrong, where, and what to do.
///
/// A tool prints it as `TOOL: error: PLACE: MESSAGE` and, if there is one, `TOOL: hint: HINT`, and
/// exits with `status`.
package struct Failure: Error, Sendable, Equatable {
  package var status: ExitStatus
  /// File, and line, record or byte where known: `run.zst:1042`, `docs.lirt: record 17`.
  package var place: String?
  /// What was expected and what was found.
  package var message: String
  package var hint: String?

  package init(
    _ status: ExitStatus, at place: String? = nil, _ message: String, hint: String? = nil
  ) {
    self.status = status
    self.place = place
    self.message = message
    self.hint = hint
  }
}

extension Failure: CustomStringConvertible {
  package var description: String {
    guard let place else { return message }
    return "\(place): \(message)"
  }
}

extension Failure {
  /// This failure, at a place where it names none itself.
  package func at(_ place: @autoclosure () -> String) -> Failure {
    var placed = self
    if self.place == nil { placed.place = place() }
    return placed
  }

  /// This failure, at the place of a text where it is about the text.
  package func ofText(at place: @autoclosure () -> String) -> Failure {
    status == .data ? at(place()) : self
  }

  /// Damaged or malformed input (exit 65).
  package static func data(_ place: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.data, at: place, message, hint: hint)
  }

  /// A malformed line of a text file (exit 65).
  package static func line(
    _ file: String, _ line: Int, expected: String, found: String
  ) -> Failure {
    Failure(.data, at: "\(file):\(line)", "expected \(expected), found \(found)")
  }

  /// Intact but unsuitable input (exit 78).
  package static func config(_ place: String?, _ message: String, hint: String? = nil) -> Failure {
    Failure(.config, at: place, message, hint: hint)
  }

  /// A command line that makes no sense (exit 64).
  package static func usage(_ message: String, hint: String? = nil) -> Failure {
    Failure(.usage, message, hint: hint)
  }
}
