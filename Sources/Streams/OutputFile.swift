import Failures
import Glibc

/// Where an output goes, and how it comes to be there.
///
/// A file appears by rename only: it is written beside its place under a name of its own, synced,
/// closed with a check, then renamed. What is not finished is removed.
package final class OutputFile {
  package let name: String
  private var descriptor: OwnedDescriptor?
  private let number: Int32
  /// Nil for the standard output, and for what is not a regular file (`/dev/full`, a FIFO).
  private let temporary: TemporaryFile?
  /// Where `--resume` collects the output across runs.
  private let partial: PartialFile?

  /// Opens `path` for writing; `-` is the standard output.
  package init(_ path: String) throws(Failure) {
    name = path
    partial = nil
    if path == "-" {
      number = 1
      descriptor = OwnedDescriptor(1, closes: true)
      temporary = nil
      return
    }
    if path.isEmpty { throw Failure(.cannotCreate, at: "\"\"", "an output needs a name") }
    if WholeFile.isDirectory(path) {
      throw Failure(.cannotCreate, at: path, "expected a file, found a folder")
    }
    if Self.isSpecial(path) {
      number = open(path, O_WRONLY | O_CLOEXEC)
      guard number >= 0 else { throw SystemError.cannotCreate(path) }
      temporary = nil
    } else {
      // A link stays a link: the file behind it is replaced.
      let file = try TemporaryFile(beside: PathName.resolvingLink(path))
      number = file.number
      temporary = file
    }
    descriptor = OwnedDescriptor(number)
  }

  /// Continues a partial output behind its first `keep` bytes.
  package init(_ partial: PartialFile, keep: Int) throws(Failure) {
    name = partial.target
    self.partial = partial
    temporary = nil
    number = partial.number
    guard ftruncate(number, off_t(keep)) == 0, lseek(number, off_t(keep), SEEK_SET) >= 0 else {
      throw SystemError.io(partial.path, "truncate")
    }
  }

  /// Whether there is something at `path` that cannot be replaced by a rename.
  private static func isSpecial(_ path: String) -> Bool {
    // `/dev/stdout` and its like are links into /proc whose file somebody else has open.
    if PathName.leadsToDescriptor(path) { return true }
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT != S_IFREG
  }

  package var isTerminal: Bool { isatty(number) == 1 }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(number, rest.baseAddress, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError.io(name, "write")
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Syncs, closes and puts the file in its place.
  package func finish() throws(Failure) {
    if let partial { return try partial.finish() }
    guard let descriptor = descriptor.take() else { return }
    if let temporary {
      guard fsync(number) == 0 else { throw SystemError.io(name, "fsync") }
      try descriptor.finish(name)
      try temporary.rename(to: PathName.resolvingLink(name))
    } else {
      try descriptor.finish(name)
    }
  }

  deinit { temporary?.remove() }
}

/// A file under a name of its own beside its later place.
final class TemporaryFile {
  let path: String
  let number: Int32
  private var present = true
  private let token: Signals.Token

  /// Creates `.NAME.tmp.HOST.PID.RANDOM` in the folder of `target`.
  init(beside target: String) throws(Failure) {
    path = TemporaryName.beside(target)
    token = Signals.register(path)
    number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard number >= 0 else {
      Signals.forget(token)
      throw SystemError.cannotCreate(target)
    }
  }

  func rename(to target: String) throws(Failure) {
    guard Glibc.rename(path, target) == 0 else { throw SystemError.cannotCreate(target) }
    present = false
    Signals.forget(token)
    try PathName.syncFolder(of: target)
  }

  func remove() {
    if present {
      unlink(path)
      present = false
    }
    Signals.forget(token)
  }
}
