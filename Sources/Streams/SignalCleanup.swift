import Glibc
import Synchronization

/// Removes unfinished outputs when a signal ends the process, which then dies by that signal.
///
/// SIGKILL leaves them behind: names that begin with a dot and end in a random part.
package enum SignalCleanup {
  private static let slots = 64
  /// C strings of the files and folders to remove; only whole pointers are stored, so that the handler can
  /// read them at any time; `lock` guards the writers.
  nonisolated(unsafe) private static let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> =
    {
      let paths = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: slots)
      paths.initialize(repeating: nil, count: slots)
      return paths
    }()
  private static let lock = Mutex(())

  /// Has a file, or a folder of registered files, removed if a signal ends the process.
  ///
  /// - Returns: what `forget` takes; nil where too many are registered already.
  package static func register(_ path: String) -> Int? {
    lock.withLock { _ in
      for slot in 0..<slots where paths[slot] == nil {
        paths[slot] = strdup(path)
        return slot
      }
      return nil
    }
  }

  package static func forget(_ slot: Int?) {
    guard let slot else { return }
    // The string is never freed: a handler on another thread may be reading it.
    lock.withLock { _ in paths[slot] = nil }
  }

  /// Those that end a process and that people and batch systems send.
  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

  /// Installs the handler for signals that end the process, where they are not ignored.
  package static func install() {
    _ = paths
    for signalNumber in signals {
      var old = sigaction()
      sigaction(signalNumber, nil, &old)
      if unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) == 1 { continue }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        SignalCleanup.removeAll()
        signal(number, SIG_DFL)
        raise(number)
      }
      sigaction(signalNumber, &action, nil)
    }
  }

  /// Async-signal-safe: `unlink` and `rmdir` alone.
  private static func removeAll() {
    for slot in 0..<slots {
      if let path = paths[slot] { unlink(path) }
    }
    // What is left are folders, now without their files.
    for slot in 0..<slots {
      if let path = paths[slot] { rmdir(path) }
    }
  }
}
