import Glibc

/// Whether a descriptor is a terminal.
package func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

/// Standard streams and signals as a tool expects them of its process.
enum StandardDescriptors {
  /// Opens `/dev/null` for standard streams that are closed, so that no output file gets their
  /// number, and with it what is meant for them; and lets a broken pipe end the process again where
  /// the parent ignored it.
  static func secure() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is the one that is missing.
      _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
    }
    signal(SIGPIPE, SIG_DFL)
  }
}
