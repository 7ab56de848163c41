import Failures
import Glibc

/// Keeps other processes from the same work in a folder, where the file system can.
///
/// What is done without a lock has to be right as well.
package struct FolderLock: ~Copyable {
  private let descriptor: OwnedDescriptor?

  /// Microseconds between two looks at a lock that another process has, and how many there are before that
  /// is worth a word: a second.
  private static let pause: UInt32 = 20_000
  private static let attempts = 50

  /// Waits until nobody else has the lock.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - waiting: Called once where that takes more than a second.
  package init(_ folder: String, waiting: () -> Void = {}) {
    let number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else {
      descriptor = nil
      return
    }
    descriptor = OwnedDescriptor(number)
    for _ in 0..<Self.attempts {
      // Network file systems may have no locks of folders.
      guard flock(number, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK || errno == EINTR else {
        return
      }
      usleep(Self.pause)
    }
    waiting()
    while flock(number, LOCK_EX) != 0, errno == EINTR {}
  }

  /// Whether another process has the lock of a folder; nil where it cannot be told.
  package static func isHeld(_ folder: String) -> Bool? {
    let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard number >= 0 else { return nil }
    defer { close(number) }
    if flock(number, LOCK_EX | LOCK_NB) == 0 { return false }
    return errno == EWOULDBLOCK ? true : nil
  }

  /// Does not wait.
  ///
  /// - Throws: 73 where another process has the lock.
  package init(claiming folder: String) throws(Failure) {
    let number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    descriptor = number < 0 ? nil : OwnedDescriptor(number)
    if number >= 0, flock(number, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      throw Failure(.cannotCreate, at: folder, "another process is writing it")
    }
  }
}
