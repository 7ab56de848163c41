import Failures
import Glibc

/// Keeps other processes from the same work in a folder, where the file system can.
///
/// What is done without a lock has to be right as well.
package struct FolderLock: ~Copyable {
  private let descriptor: OwnedDescriptor?

  /// Waits until nobody else has the lock.
  package init(_ folder: String) {
    let number = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else {
      descriptor = nil
      return
    }
    descriptor = OwnedDescriptor(number)
    // Network file systems may have no locks of folders.
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
