import Failures
import Glibc

/// What a resumable output has written so far: `.NAME.partial` beside NAME, with a description of the
/// work in `.NAME.partial.work`, and a lease in `.NAME.partial.lease` while somebody writes it.
package final class PartialFile {
  /// The output as it was named.
  package let name: String
  /// The output behind all links.
  package let target: String
  package let path: String
  private let workPath: String
  let number: Int32
  private let lease: Lease
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
    lease = try Self.claim(path)
    if lease.mayHaveRival { try Self.replaceByCopy(path) }
    // What is there may be a link that somebody else has put there.
    number = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw SystemError.cannotCreate(path) }
    try check(work)
  }

  deinit { if isOpen, number >= 0 { close(number) } }

  private static func path(of target: String) -> String {
    let (folder, name) = PathName.split(target)
    return "\(folder).\(name).partial"
  }

  private static func claim(_ path: String) throws(Failure) -> Lease {
    try Lease(claiming: path + ".lease", for: path) { staged in
      // Who was about to give it its name was killed: nothing of the work is lost.
      if !WholeFile.exists(path) { rename(staged, path) } else { unlink(staged) }
    }
  }

  /// Puts a copy of the file in its place: a process that was stopped elsewhere, and has lost the lease,
  /// may have it open.
  private static func replaceByCopy(_ path: String) throws(Failure) {
    let number = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard number >= 0 else { return }
    let source = OwnedDescriptor(number)
    let copy = try TemporaryFile(beside: path)
    defer { copy.remove() }
    let target = OwnedDescriptor(copy.number)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    while true {
      let count = try source.read(into: buffer, name: path)
      if count == 0 { break }
      try target.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), name: path)
    }
    guard fsync(copy.number) == 0 else { throw SystemError.io(path, "fsync") }
    try copy.rename(to: path)
  }

  /// Removes what is left of the partial output of an output that is whole, unless somebody writes it.
  package static func removeLeft(of target: String) {
    let path = path(of: target)
    // A process that was killed behind its last rename leaves the description alone.
    guard ["", ".work", ".lease"].contains(where: { WholeFile.exists(path + $0) }),
      let lease = try? claim(path)
    else { return }
    unlink(path)
    unlink(path + ".work")
    lease.release()
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
    try lease.publish(path, as: target, opened: number)
    try PathName.syncFolder(of: target)
    unlink(workPath)
    isOpen = false
    lease.release()
    guard close(number) == 0 else { throw SystemError.io(target, "close") }
  }

  /// Makes sure that nobody else writes the partial output.
  ///
  /// - Throws: 75 where another process took over its lease.
  package func checkLease() throws(Failure) { try lease.check() }

  /// Removes the partial output, once its content stands elsewhere.
  ///
  /// - Throws: 75 where another process took over the lease, whose it is now.
  package func discard() throws(Failure) {
    try checkLease()
    unlink(path)
    unlink(workPath)
  }
}
