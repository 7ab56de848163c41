import Glibc
import Synchronization

/// Renews the leases of this process while it works, and gives back what it still has at its end.
package enum LeaseRenewal {
  /// Seconds between two renewals.
  private static let period: UInt32 = 30

  private struct Entry {
    let number: Int32
    /// Where the line with the time begins.
    let offset: Int
    let path: String
    let token: String
  }

  private static let entries = Mutex<[Entry]>([])

  /// The last line of a lease file: when it was renewed, by this machine's clock, for people.
  static func line() -> String {
    var (seconds, parts) = (time(nil), tm())
    gmtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, "renewed %Y-%m-%dT%H:%M:%SZ\n", &parts)
    return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Renews a lease from here on.
  ///
  /// - Parameters:
  ///   - file: Its file; the descriptor is closed by `remove`.
  ///   - path: Where it is.
  static func add(_ file: LeaseFile, at path: String) {
    _ = isStarted
    let (token, offset) = (file.holder.token, file.holder.text.utf8.count)
    let number = file.take()
    entries.withLock {
      $0.append(Entry(number: number, offset: offset, path: path, token: token))
    }
  }

  /// Ends the renewals of a lease.
  static func remove(_ token: String) {
    entries.withLock { entries in
      for entry in entries where entry.token == token { close(entry.number) }
      entries.removeAll { $0.token == token }
    }
  }

  /// Renews all leases.
  ///
  /// What is written is the file that this process made, whatever stands at its path now.
  package static func renewAll() {
    let line = Array(line().utf8)
    entries.withLock { entries in
      for entry in entries {
        _ = pwrite(entry.number, line, line.count, entry.offset)
        // The time of a write is the server's once it has it, and now it has.
        futimens(entry.number, nil)
      }
    }
  }

  /// Gives back all leases.
  private static func releaseAll() {
    entries.withLock { entries in
      for entry in entries where FoundLease(entry.path)?.token == entry.token {
        unlink(entry.path)
      }
    }
  }

  /// A thread that renews, which no signal of the process goes to: what waits elsewhere must be woken.
  private static let isStarted: Bool = {
    atexit { LeaseRenewal.releaseAll() }
    var (all, before, thread) = (sigset_t(), sigset_t(), pthread_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    let status = pthread_create(
      &thread, nil,
      { _ in
        while true {
          sleep(LeaseRenewal.period)
          LeaseRenewal.renewAll()
        }
      }, nil)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    if status == 0 { pthread_detach(thread) }
    return status == 0
  }()
}
