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
  /// Where the file is renamed to: behind all links.
  private let target: String

  /// Opens `path` for writing; `-` is the standard output.
  ///
  /// - Throws: 73 where the output cannot be created, 74 where the standard output is closed.
  package init(_ path: String) throws(Failure) {
    name = path
    partial = nil
    switch try OutputPlace(path) {
    case .standardOutput:
      number = 1
      target = path
      temporary = nil
    case .special:
      number = open(path, O_WRONLY | O_CLOEXEC)
      guard number >= 0 else { throw SystemError.cannotCreate(path) }
      target = path
      temporary = nil
    case .file(let place):
      let file = try TemporaryFile(beside: place)
      number = file.number
      target = place
      temporary = file
    }
    descriptor = OwnedDescriptor(number)
  }

  /// Continues a partial output behind its first `keep` bytes.
  package init(_ partial: PartialFile, keep: Int) throws(Failure) {
    name = partial.name
    target = partial.target
    self.partial = partial
    temporary = nil
    number = partial.number
    guard ftruncate(number, off_t(keep)) == 0, lseek(number, off_t(keep), SEEK_SET) >= 0 else {
      throw SystemError.io(partial.path, "truncate")
    }
  }

  package var isTerminal: Bool { isatty(number) == 1 }

  /// Whether nothing of it can be read before it is finished.
  var appearsWhole: Bool { temporary != nil }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    if number == 1 { TerminalLine.clear() }
    var rest = bytes
    while !rest.isEmpty {
      let count = MappedRegions.write(number, rest)
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
      try temporary.rename(to: target)
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
  private let folders: MadeFolders

  /// Creates `.NAME.tmp.HOST.PID.RANDOM` in the folder of `target`, which is made where it is missing.
  init(beside target: String) throws(Failure) {
    path = TemporaryName.beside(target)
    folders = try MadeFolders(above: path)
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
    folders.keep()
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
