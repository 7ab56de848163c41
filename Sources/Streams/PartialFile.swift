import Failures
import Glibc

/// What a resumable output has written so far: `.NAME.partial` beside NAME, locked, with a description
/// of the work in `.NAME.partial.work`.
package final class PartialFile {
  /// The output as it was named.
  package let name: String
  /// The output behind all links.
  package let target: String
  package let path: String
  private let workPath: String
  let number: Int32
  private var isOpen = true

  /// Opens or creates the partial output of `name`.
  ///
  /// - Parameters:
  ///   - name: The output.
  ///   - work: Everything that decides the output's bytes.
  /// - Throws: 64 for an output that is no file, 78 where the partial output belongs to other work, 73
  ///   where it cannot be made or another process is writing it.
  package init(of name: String, work: WorkDescription) throws(Failure) {
    self.name = name
    guard case .file(let target) = try OutputPlace(name) else {
      throw .usage("--resume needs -o FILE: \(name) cannot be continued")
    }
    self.target = target
    path = Self.path(of: target)
    workPath = path + ".work"
    try MadeFolders(above: path).keep()
    number = try Self.openLocked(path)
    try check(work)
  }

  deinit { if isOpen { close(number) } }

  private static func path(of target: String) -> String {
    let (folder, name) = PathName.split(target)
    return "\(folder).\(name).partial"
  }

  /// Opens the file, which stays the one at the path as long as it is locked.
  private static func openLocked(_ path: String) throws(Failure) -> Int32 {
    while true {
      // What is there may be a link that somebody else has put there.
      let number = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
      guard number >= 0 else { throw SystemError.cannotCreate(path) }
      guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
        let why = errno
        close(number)
        throw Failure(
          .cannotCreate, at: path,
          why == EWOULDBLOCK ? "another process is writing it" : SystemError.text(why))
      }
      var (opened, there) = (stat(), stat())
      if fstat(number, &opened) == 0, lstat(path, &there) == 0, opened.st_ino == there.st_ino,
        opened.st_dev == there.st_dev
      {
        return number
      }
      // Another process has given it its name meanwhile: it is an output now.
      close(number)
    }
  }

  /// Removes what is left of the partial output of an output that is whole, unless somebody writes it.
  package static func removeLeft(of target: String) {
    let path = path(of: target)
    // A process that was killed behind its last rename leaves the description alone.
    guard WholeFile.exists(path) || WholeFile.exists(path + ".work"),
      let number = try? openLocked(path)
    else { return }
    unlink(path)
    unlink(path + ".work")
    close(number)
  }

  private func check(_ work: WorkDescription) throws(Failure) {
    var info = stat()
    let isEmpty = fstat(number, &info) == 0 && info.st_size == 0
    if !isEmpty {
      var found = ""
      if WholeFile.exists(workPath) {
        found = String(decoding: try WholeFile.read(workPath), as: UTF8.self)
      }
      if found == work.text { return }
      let differences = WorkDescription(text: found).map { work.differences(from: $0) } ?? []
      throw .config(
        path,
        "the partial output belongs to other work: "
          + (differences.isEmpty
            ? "what it was made of is not known" : differences.joined(separator: "; ")),
        hint: "delete it to start afresh")
    }
    // The description is there before the first byte that it vouches for.
    let file = try OutputFile(workPath)
    try Array(work.text.utf8).withBytes { bytes throws(Failure) in try file.write(bytes) }
    try file.finish()
  }

  /// Syncs the partial output and renames it to its target.
  package func finish() throws(Failure) {
    guard fsync(number) == 0 else { throw SystemError.io(path, "fsync") }
    guard rename(path, target) == 0 else { throw SystemError.cannotCreate(target) }
    try PathName.syncFolder(of: target)
    unlink(workPath)
    isOpen = false
    guard close(number) == 0 else { throw SystemError.io(target, "close") }
  }

  /// Removes the partial output, once its content stands elsewhere.
  package func discard() {
    unlink(path)
    unlink(workPath)
  }
}
