import CSystem
import Failures
import Glibc

/// A file that says who has something, made so that of several processes only one can: on local disks
/// and over networks alike.
final class LeaseFile {
  let holder = LeaseHolder()
  /// What the lease is for, for messages.
  private let subject: String
  private let folder: String
  /// The file, which has no name yet where the file system has such; -1 for none.
  private var number: Int32

  /// - Parameters:
  ///   - path: Where the lease is to be.
  ///   - subject: What it is for.
  /// - Throws: 73 and 74 where nothing can be written there.
  init(_ path: String, for subject: String) throws(Failure) {
    self.subject = subject
    folder = PathName.parent(path)
    number = open(folder, O_UNNAMED | O_RDWR | O_CLOEXEC, 0o666)
    if number >= 0 { try fill() }
  }

  deinit { if number >= 0 { close(number) } }

  private func fill() throws(Failure) {
    try Array((holder.text + LeaseRenewal.line()).utf8).withBytes { bytes throws(Failure) in
      try OwnedDescriptor(number, closes: false).write(bytes, name: subject)
    }
  }

  /// Gives the descriptor away, for renewals.
  func take() -> Int32 {
    defer { number = -1 }
    return number
  }

  /// Who had a lease before and has not given it back.
  enum Before {
    /// Nobody.
    case none
    case dead
    /// A process elsewhere, which may be stopped.
    case elsewhere
  }

  /// How an attempt to get a lease went.
  enum Attempt {
    /// It is this one's.
    case held(after: Before)
    /// Another has it, of whom more may be known.
    case taken(LeaseHolder?)
    /// It changed hands meanwhile, and a new file has to be tried.
    case again
  }

  /// Takes the lease at a path where there is none, or nobody's any more.
  func take(at path: String) throws(Failure) -> Attempt {
    if try place(at: path) { return .held(after: .none) }
    guard let found = FoundLease(path) else { return .again }
    guard isLeft(found) else { return .taken(found.holder) }
    // Of those who find it left, one alone may put its own there: who has this second lease.
    let next = "\(path).\(found.token).next"
    switch try take(at: next) {
    case .taken(let holder): return .taken(holder)
    case .again: return .again
    case .held: break
    }
    guard FoundLease(path)?.token == found.token else {
      unlink(next)
      return .again
    }
    guard rename(next, path) == 0 else {
      let failure = SystemError.cannotCreate(subject)
      unlink(next)
      throw failure
    }
    return .held(after: found.isDead(seenFrom: holder) ? .dead : .elsewhere)
  }

  /// Gives the file its name; false where there is one of that name.
  private func place(at path: String) throws(Failure) -> Bool {
    if number >= 0 {
      if linkat(AT_FDCWD, "/proc/self/fd/\(number)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 {
        return true
      }
      switch errno {
      case EEXIST: return false
      // No links, or no list of descriptors.
      case EPERM, ENOTSUP, ENOSYS, EINVAL, EXDEV, EMLINK, ENOENT: break
      default: throw SystemError.cannotCreate(subject)
      }
    }
    let made = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o666)
    if made < 0 {
      if errno == EEXIST { return false }
      throw SystemError.cannotCreate(subject)
    }
    if number >= 0 { close(number) }
    number = made
    do throws(Failure) { try fill() } catch {
      unlink(path)
      throw error
    }
    return true
  }

  /// Whether nobody has a lease any more.
  private func isLeft(_ found: FoundLease) -> Bool { found.isLeft(seenFrom: holder, in: folder) }
}

/// A lease file that was found.
package struct FoundLease {
  /// Nil where the file cannot be read, or has no content yet.
  let holder: LeaseHolder?
  /// When it was renewed, in seconds of the file system's clock.
  private let renewed: Int

  var token: String { holder?.token ?? "0" }

  /// Seconds without a renewal after which the lease of a process elsewhere is over.
  package static let term = 120

  /// Nil where there is none.
  init?(_ path: String) {
    var info = stat()
    // Opening a file asks a server anew, where a look at its name alone may be answered from memory.
    let number = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard number >= 0 else {
      guard lstat(path, &info) == 0 else { return nil }
      holder = nil
      renewed = info.st_mtim.tv_sec
      return
    }
    defer { close(number) }
    guard fstat(number, &info) == 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(number, &bytes, bytes.count)
    holder = LeaseHolder(String(decoding: bytes[..<max(count, 0)], as: UTF8.self))
    renewed = info.st_mtim.tv_sec
  }

  /// Whether it is known that who has it is no more.
  func isDead(seenFrom here: LeaseHolder) -> Bool { holder?.standing(seenFrom: here) == .dead }

  /// Whether nobody has it any more.
  ///
  /// - Parameters:
  ///   - here: This process.
  ///   - folder: The folder of the lease, by whose clock renewals count.
  /// - Returns: False where that cannot be told.
  func isLeft(seenFrom here: LeaseHolder, in folder: String) -> Bool {
    switch holder?.standing(seenFrom: here) ?? .elsewhere {
    case .alive: return false
    case .dead: return true
    case .elsewhere: return Self.now(in: folder).map { $0 - renewed > Self.term } ?? false
    }
  }

  /// Seconds of the clock of a folder's file system; nil where nothing can be written there.
  package static func now(in folder: String) -> Int? {
    var number = open(folder, O_UNNAMED | O_RDWR | O_CLOEXEC, 0o666)
    if number < 0 {
      let path = TemporaryName.beside("\(folder)/clock")
      number = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0o666)
      unlink(path)
    }
    guard number >= 0 else { return nil }
    defer { close(number) }
    var info = stat()
    return fstat(number, &info) == 0 ? info.st_mtim.tv_sec : nil
  }
}
