import Glibc
import Streams

/// Whether a descriptor is a terminal.
package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// Standard streams and signals as a tool expects them of its process.
package enum ProcessSurroundings {
  /// Makes closed streams errors, lets a broken pipe end the process again where the parent ignored
  /// it, and has unfinished outputs removed where a signal ends the process.
  ///
  /// - Parameters:
  ///   - tool: The tool's name.
  ///   - json: Whether its messages are JSON.
  package static func secure(tool: String, json: Bool) {
    StandardStreams.secure()
    signal(SIGPIPE, SIG_DFL)
    Signals.install(tool: tool, json: json)
  }
}
