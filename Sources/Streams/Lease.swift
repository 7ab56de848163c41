import Failures
import Glibc
import Synchronization

/// Keeps other processes from the same work, on this machine and on others that see the same files.
///
/// A lease is a file beside what it is for; the first to make it has it, and removes it in the end. It
/// is renewed every 30 s. The lease of a process that is no more, or of an earlier start of this
/// machine, is taken over at once; that of a process elsewhere after two minutes without a renewal. Who
/// lost a lease so, as a process that was stopped, publishes nothing. Those who only read need none.
package final class Lease: Sendable {
  private let path: String
  private let subject: String
  private let token: String
  private let signal: Mutex<Signals.Token?>
  /// Whether it was taken over from a process that may still be there, with files open.
  package let mayHaveRival: Bool

  /// What a folder's lease is called.
  package static func path(in folder: String) -> String { "\(folder)/.lease" }

  /// Microseconds between two looks at a lease that another process has, how many there are before
  /// that is worth a word (a second), and microseconds between those behind it.
  private static let pause: UInt32 = 20_000
  private static let attempts = 50
  private static let longPause: UInt32 = 200_000

  /// Waits until nobody else has the lease.
  ///
  /// - Parameters:
  ///   - path: Where it is.
  ///   - subject: What it is for.
  ///   - waiting: Called once where that takes more than a second.
  /// - Throws: 73 and 74 where no file can be made there.
  package convenience init(
    waitingAt path: String, for subject: String, waiting: () -> Void = {}
  ) throws(Failure) {
    var looks = 0
    while true {
      let file = try LeaseFile(path, for: subject)
      if case .held(let before) = try file.take(at: path) {
        self.init(file, path, subject, after: before)
        Self.removeStaged(beside: path)
        return
      }
      looks += 1
      if looks == Self.attempts { waiting() }
      usleep(looks < Self.attempts ? Self.pause : Self.longPause)
    }
  }

  /// Does not wait.
  ///
  /// - Parameters:
  ///   - path: Where it is.
  ///   - subject: What it is for.
  ///   - staged: Told of files that those who had it before were about to publish (`publish`), which are
  ///     removed without it.
  /// - Throws: 73 where another process has it; 73 and 74 where no file can be made there.
  package convenience init(
    claiming path: String, for subject: String, staged: (String) -> Void = { unlink($0) }
  ) throws(Failure) {
    while true {
      let file = try LeaseFile(path, for: subject)
      switch try file.take(at: path) {
      case .held(let before):
        self.init(file, path, subject, after: before)
        Self.removeStaged(beside: path, staged)
        return
      case .taken(let holder):
        let who = holder.map { "process \($0.process) of \($0.host)" } ?? "another process"
        throw Failure(
          .cannotCreate, at: subject, "another process is writing it",
          hint: "\(who) has its lease, \(path)")
      case .again: continue
      }
    }
  }

  private init(
    _ file: LeaseFile, _ path: String, _ subject: String, after before: LeaseFile.Before
  ) {
    mayHaveRival = before == .elsewhere
    self.path = path
    self.subject = subject
    token = file.holder.token
    signal = Mutex(Signals.register(path))
    LeaseRenewal.add(file, at: path)
  }

  deinit { release() }

  /// Whether this process still has it.
  private var isOwn: Bool {
    signal.withLock { $0 != nil } && FoundLease(path)?.token == token
  }

  /// Makes sure that this process still has it.
  ///
  /// - Throws: 75 where another process took it over.
  package func check() throws(Failure) {
    if !isOwn { throw lost }
  }

  private var lost: Failure {
    Failure(
      .retry, at: subject, "another process took over the lease, which was not renewed in time",
      hint: "run the same command again")
  }

  /// Renames a file that nobody may publish without the lease.
  ///
  /// On its way it has a name that whoever takes over the lease removes. So it is not this process that
  /// does the rename, stopped at the last moment, when the lease is another's already.
  ///
  /// - Parameters:
  ///   - source: The file, on the lease's file system.
  ///   - target: Its new name.
  ///   - number: A descriptor of it, where another process may have put another file in its place.
  /// - Throws: 75 where another process took over the lease; 73 where the file cannot be renamed. It has
  ///   its old name then, if it is still there.
  package func publish(
    _ source: String, as target: String, opened number: Int32? = nil
  ) throws(Failure) {
    try check()
    let staged = "\(path).\(token).\(Self.stagedSuffix)"
    guard rename(source, staged) == 0 else { throw SystemError.cannotCreate(target) }
    do throws(Failure) {
      try check()
      if let number, !Self.isFile(number, at: staged) { throw lost }
      guard rename(staged, target) == 0 else {
        let failure = SystemError.cannotCreate(target)
        throw isOwn ? failure : lost
      }
    } catch {
      rename(staged, source)
      throw error
    }
  }

  private static func isFile(_ number: Int32, at path: String) -> Bool {
    var (opened, there) = (stat(), stat())
    return fstat(number, &opened) == 0 && lstat(path, &there) == 0
      && opened.st_ino == there.st_ino && opened.st_dev == there.st_dev
  }

  private static let stagedSuffix = "publish"

  /// Removes files that others were about to publish: none of them has the lease any more, and one that a
  /// signal ended gave it back.
  private static func removeStaged(
    beside path: String, _ remove: (String) -> Void = { unlink($0) }
  ) {
    let (folder, name) = PathName.split(path)
    let names = (try? FolderListing.names(folder.isEmpty ? "." : folder)) ?? []
    for found in names where found.hasPrefix("\(name).") && found.hasSuffix(".\(stagedSuffix)") {
      remove(folder + found)
    }
  }

  /// Gives it back.
  ///
  /// - Returns: Whether this process had it until then.
  @discardableResult
  package func release() -> Bool {
    guard let signal = signal.withLock({ $0.take() }) else { return false }
    Signals.forget(signal)
    var isReleased = FoundLease(path)?.token == token
    // One that cannot be removed ends with this process.
    if isReleased, unlink(path) != 0, errno == ENOENT { isReleased = false }
    LeaseRenewal.remove(token)
    if !isReleased { Self.firstLost.withLock { $0 = $0 ?? lost } }
    return isReleased
  }

  private static let firstLost = Mutex<Failure?>(nil)

  /// Why work failed: whoever took over a lease has also removed what this process was writing.
  ///
  /// - Parameter failure: How it failed.
  /// - Returns: That a lease was lost, where one of this process was; else the failure.
  package static func cause(of failure: Failure) -> Failure {
    firstLost.withLock { $0 } ?? failure
  }

  /// What the lease of a folder says about it.
  package enum Standing: Sendable {
    /// There is none.
    case none
    case held
    /// Who had it is no more.
    case left
  }

  /// What the lease of a folder says about it.
  package static func standing(of folder: String) -> Standing {
    guard let found = FoundLease(path(in: folder)) else { return .none }
    return found.isLeft(seenFrom: LeaseHolder(), in: folder) ? .left : .held
  }

  /// Whether a folder was last changed longer ago than a lease lasts, by the clock of its file system.
  package static func isOld(_ folder: String) -> Bool {
    var info = stat()
    guard stat(folder, &info) == 0, let now = FoundLease.now(in: folder) else { return false }
    return now - info.st_mtim.tv_sec > FoundLease.term
  }
}
