import Failures
import Glibc

/// What a resumable output has written so far: `.NAME.partial` beside NAME, locked, with the digest
/// of the work in `.NAME.partial.digest`.
package final class PartialFile {
  package let target: String
  package let path: String
  private let digestPath: String
  let number: Int32
  private var isOpen = true

  /// Opens or creates the partial output of `target`.
  ///
  /// - Parameters:
  ///   - target: The output.
  ///   - digest: Stands for everything that decides the output's bytes.
  /// - Throws: 78 where the partial output belongs to other work, 73 where it cannot be made or
  ///   another process is writing it.
  package init(of target: String, digest: String) throws(Failure) {
    self.target = target
    let (folder, name) = PathName.split(target)
    path = "\(folder).\(name).partial"
    digestPath = path + ".digest"
    number = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw SystemError.cannotCreate(path) }
    guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
      let busy = errno == EWOULDBLOCK
      throw Failure(
        .cannotCreate, at: path,
        busy ? "another process is writing it" : SystemError.text(errno))
    }
    try checkDigest(digest)
  }

  deinit { if isOpen { close(number) } }

  private func checkDigest(_ digest: String) throws(Failure) {
    var info = stat()
    let isEmpty = fstat(number, &info) == 0 && info.st_size == 0
    if !isEmpty {
      let found =
        WholeFile.exists(digestPath)
        ? String(decoding: try WholeFile.read(digestPath), as: UTF8.self) : "none\n"
      guard found == digest + "\n" else {
        throw .config(
          path, "the partial output belongs to other arguments, inputs or another model",
          hint: "delete it to start afresh")
      }
      return
    }
    // The digest is there before the first byte that it vouches for.
    let file = try OutputFile(digestPath)
    try Array((digest + "\n").utf8).withBytes { bytes throws(Failure) in try file.write(bytes) }
    try file.finish()
  }

  /// Syncs the partial output and renames it to its target.
  package func finish() throws(Failure) {
    guard fsync(number) == 0 else { throw SystemError.io(path, "fsync") }
    guard rename(path, target) == 0 else { throw SystemError.cannotCreate(target) }
    try PathName.syncFolder(of: target)
    unlink(digestPath)
    isOpen = false
    guard close(number) == 0 else { throw SystemError.io(target, "close") }
  }

  /// Removes the partial output, once its content stands elsewhere.
  package func discard() {
    unlink(path)
    unlink(digestPath)
  }
}
