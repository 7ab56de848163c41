import Glibc

/// Paths of the files and folders that are being written, for the signal handler to remove.
enum UnfinishedOutputs {
  /// C strings.
  typealias Token = SignalSafeList<CChar>.Token

  private static let paths = SignalSafeList<CChar>()

  /// Makes what `removeAll` needs and may not make itself.
  static func prepare() { paths.forEach { _ in false } }

  /// Adds a path.
  static func register(_ path: String) -> Token {
    guard let copy = strdup(path) else { preconditionFailure("no memory for a path") }
    return paths.add(copy)
  }

  /// Takes a path out again; nothing happens where that was done before.
  static func forget(_ token: Token) { paths.remove(token) }

  /// Removes everything that is registered.
  ///
  /// Async-signal-safe: loads, `unlink` and `rmdir` alone.
  static func removeAll() {
    paths.forEach { path in unlink(path) == 0 }
    // What is left are folders, now without their files; a folder goes once those in it are gone.
    while paths.forEach({ path in rmdir(path) == 0 }) {}
  }
}
