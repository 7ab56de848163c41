import Failures
import Glibc
import Synchronization

/// SIGTERM and SIGUSR1 while there is something to continue: what is done is kept, and the tool ends
/// with 75, "run me again".
package enum StopRequest {
  private static let isRequested = Atomic<Bool>(false)

  /// From here on the signals ask instead of killing.
  package static func install() {
    for number in [SIGTERM, SIGUSR1] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in
        StopRequest.isRequested.store(true, ordering: .relaxed)
      }
      sigaction(number, &action, nil)
    }
  }

  /// Ends the work if a signal asked for it, once `save` has kept what is done.
  ///
  /// `agree`: whether to, given whether this process was asked; processes that work together stop
  /// together. `hint`: how to go on.
  package static func check(
    hint: String = "run the same command again to go on", agree: (Bool) -> Bool = { $0 },
    _ save: () throws(Failure) -> Void
  ) throws(Failure) {
    guard agree(isRequested.load(ordering: .relaxed)) else { return }
    try save()
    throw Failure(.retry, "stopped by a signal; what is done is kept", hint: hint)
  }
}
