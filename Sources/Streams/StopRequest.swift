import Failures

/// SIGTERM and SIGUSR1 while there is something to continue: what is done is kept, and the tool ends
/// with 75, "run me again".
package enum StopRequest {
  /// From here on the two signals ask instead of killing.
  package static func install() { Signals.askFirst() }

  /// Ends the work if a signal asked for it, once `save` has kept what is done.
  ///
  /// - Parameters:
  ///   - hint: How to go on.
  ///   - agree: Whether to end, given whether this process was asked; processes that work together
  ///     stop together.
  ///   - save: Keeps what is done.
  /// - Throws: 75 where a signal asked; what `save` throws.
  package static func check(
    hint: String = "run the same command again to go on", agree: (Bool) -> Bool = { $0 },
    _ save: () throws(Failure) -> Void
  ) throws(Failure) {
    guard agree(Signals.hasAsked) else { return }
    try save()
    throw Failure(.retry, "stopped by a signal; what is done is kept", hint: hint)
  }
}
