import Failures
import Glibc

/// The standard streams of this process, of which any may be closed.
package enum StandardStreams {
  /// `O_PATH`, which Glibc's headers show to programs in C alone: a descriptor of a place, from which
  /// nothing can be read, and to which nothing can be written.
  private static let placeAlone: Int32 = 0o10000000

  /// Gives standard streams that are closed a descriptor that can be neither read nor written, so that
  /// no file gets their number, and with it what is meant for them, and so that using them is an
  /// error.
  package static func secure() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is the one that is missing.
      _ = open("/", placeAlone)
    }
  }

  /// - Throws: 66 where the standard input is closed.
  static func checkInput() throws(Failure) {
    guard isClosed(0, against: O_WRONLY) else { return }
    throw Failure(
      .noInput, at: "standard input", "it is closed, or cannot be read",
      hint: "name a file, or open it")
  }

  /// - Throws: 74 where the standard output is closed.
  static func checkOutput() throws(Failure) {
    guard isClosed(1, against: O_RDONLY) else { return }
    throw Failure(
      .io, at: "standard output", "it is closed, or cannot be written",
      hint: "-o names a file; >/dev/null drops what is written")
  }

  /// Whether a descriptor is closed, a mere place, or open for the other direction alone.
  private static func isClosed(_ descriptor: Int32, against wrong: Int32) -> Bool {
    let flags = fcntl(descriptor, F_GETFL)
    return flags == -1 || flags & placeAlone != 0 || flags & O_ACCMODE == wrong
  }
}
