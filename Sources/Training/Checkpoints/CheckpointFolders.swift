import Failures
import Glibc
import Models
import Streams

/// The folder of a training run: `checkpoints/step-N/`, a link `best` to one of them, and at the end
/// the model itself with `DONE`.
package struct CheckpointFolders {
  package let root: String
  /// Keeps other processes out of the folder.
  private var lease: Lease?
  private var checkpoints: String { root + "/checkpoints" }

  /// Says that a folder is whole; it is written last.
  package static let doneFile = "DONE"

  /// - Throws: 73 where the folder cannot be made.
  package init(_ root: String) throws(Failure) {
    var root = root
    while root.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
    try MadeFolders(above: root).keep()
    for folder in [root, root + "/checkpoints"] where !WholeFile.isDirectory(folder) {
      guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(folder) }
      try PathName.syncFolder(of: folder)
    }
  }

  /// Whether the run has come to its end.
  package var isDone: Bool { WholeFile.exists("\(root)/\(Self.doneFile)") }

  /// Content of a folder before a run begins in it.
  package enum Content: Sendable {
    /// Nothing, or what a run that was refused or killed at once has left.
    case nothing
    case run
    case somethingElse
  }

  /// Content of a folder.
  package static func content(_ root: String) throws(Failure) -> Content {
    guard WholeFile.isDirectory(root) else {
      return WholeFile.exists(root) ? .somethingElse : .nothing
    }
    let names = try FolderListing.names(root).filter { !$0.hasPrefix(".") }
    // A model that a run has made has the run's configuration, too, and no log of its own.
    if names.contains("train.yml"),
      names.contains("metrics.jsonl") || names.contains("checkpoints")
    {
      return .run
    }
    let checkpoints = "\(root)/checkpoints"
    let steps = WholeFile.isDirectory(checkpoints) ? try FolderListing.names(checkpoints) : []
    // Checkpoints alone, as somebody may have copied them, are enough to go on from.
    if steps.contains(where: { WholeFile.exists("\(checkpoints)/\($0)/\(TrainingState.fileName)") })
    {
      return .run
    }
    let isUsed = names.contains {
      // A folder of that name which is not marked as whole was made by somebody else.
      $0 != "checkpoints" && ($0 != "start" || !WholeFile.exists("\(root)/start/\(doneFile)"))
    }
    return isUsed || !steps.isEmpty ? .somethingElse : .nothing
  }

  /// These folders, kept from other processes for as long as what is returned lives.
  ///
  /// - Throws: 73 where another process is in the folder.
  package func claimed() throws(Failure) -> CheckpointFolders {
    var folders = self
    folders.lease = try Self.claim(root)
    return folders
  }

  private static func claim(_ root: String) throws(Failure) -> Lease {
    try Lease(claiming: Lease.path(in: root), for: root)
  }

  /// Makes sure that the folder is still this process's; nothing where it was not claimed.
  ///
  /// - Throws: 75 where another process took it over meanwhile.
  package func checkClaim() throws(Failure) { try lease?.check() }

  /// Folders that were there before a run.
  package struct Beginning {
    private let root: String
    private let present: Set<String>
    /// Folders above it that were not there, innermost first.
    private let missing: [String]

    package init(_ root: String) {
      self.root = root
      missing = PathName.missingFolders(above: root).reversed()
      present = Set(["", "/checkpoints", "/start"].filter { WholeFile.isDirectory(root + $0) })
    }

    /// Removes what a run that was refused has made; nothing of one that has begun.
    package func restore() {
      guard case .nothing? = try? content(root), WholeFile.isDirectory(root),
        let lease = try? claim(root)
      else { return }
      if !present.contains("/start"), WholeFile.isDirectory(root + "/start") {
        try? remove(root + "/start")
      }
      if !present.contains("/checkpoints") { rmdir(root + "/checkpoints") }
      lease.release()
      if !present.contains("") { rmdir(root) }
      for folder in missing { rmdir(folder) }
    }
  }

  /// Steps of which there are whole checkpoints, ascending.
  package func steps() throws(Failure) -> [Int] {
    try FolderListing.names(checkpoints).compactMap { name in
      guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), name == "step-\(step)",
        WholeFile.exists("\(checkpoints)/\(name)/\(Self.doneFile)")
      else { return nil }
      return step
    }.sorted()
  }

  package func path(_ step: Int) -> String { "\(checkpoints)/step-\(step)" }

  /// Makes a checkpoint: `write` fills a folder, which then gets its name.
  ///
  /// - Parameters:
  ///   - step: Its step.
  ///   - contents: Names that `write` makes, folders before what is in them.
  ///   - write: Fills the folder.
  /// - Throws: 73 or 74 where it cannot be written; then nothing of it is left.
  package func add(
    _ step: Int, contents: [String], _ write: (String) throws(Failure) -> Void
  ) throws(Failure) {
    try make(path(step), contents: contents, write)
  }

  /// Writes a folder that is either whole or not there, whatever its name.
  private func make(
    _ target: String, contents: [String], _ write: (String) throws(Failure) -> Void
  ) throws(Failure) {
    if WholeFile.exists("\(target)/\(Self.doneFile)") { return }
    // What is not whole was being removed when a kill came.
    if WholeFile.isDirectory(target) { try Self.remove(target) }
    let folder = TemporaryName.beside(target)
    let names =
      [""] + (contents + [FolderDigests.fileName, Self.doneFile]).map { "/" + $0 }
    let tokens = names.map { Signals.register(folder + $0) }
    defer { for token in tokens { Signals.forget(token) } }
    guard mkdir(folder, 0o777) == 0 else { throw SystemError.cannotCreate(target) }
    do throws(Failure) {
      try write(folder)
      try Self.finish(folder, contents)
      try checkClaim()
      guard rename(folder, target) == 0 else { throw SystemError.cannotCreate(target) }
    } catch {
      try? Self.remove(folder)
      throw error
    }
    try PathName.syncFolder(of: target)
  }

  /// The folder that training begins with, where the model's does not do as it is.
  package var start: String { "\(root)/start" }

  /// Makes the folder that training begins with.
  package func addStart(
    contents: [String], _ write: (String) throws(Failure) -> Void
  ) throws(Failure) {
    // Without a checkpoint nothing says whose it is.
    if try steps().isEmpty, WholeFile.isDirectory(start) { try Self.remove(start) }
    try make(start, contents: contents, write)
  }

  /// Says that the model of the run is not whole any more: training goes on.
  package func reopen() throws(Failure) {
    try checkClaim()
    for name in [Self.doneFile, FolderDigests.fileName] {
      let path = "\(root)/\(name)"
      guard unlink(path) == 0 || errno == ENOENT else { throw SystemError.io(path, "unlink") }
    }
  }

  /// Compares the model of a run that has ended with its list of digests.
  ///
  /// - Throws: 65 for a file that is not what it was.
  package func checkModel() throws(Failure) {
    do throws(Failure) {
      try FolderDigests(root)?.verify { _ in true }
    } catch {
      var failure = error
      failure.hint = "remove that file, and the model is made again; \(error.hint ?? "")"
      throw failure
    }
  }

  /// Marks a folder as whole, and keeps the digests of its files.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - contents: Names of its files.
  ///   - origin: What `DONE` says of the run that has ended here (`RunIdentity.origin`); nothing in a
  ///     folder that is no end of a run.
  /// - Throws: 73 or 74 where that cannot be written.
  package static func finish(
    _ folder: String, _ contents: [String], origin: String = ""
  ) throws(Failure) {
    try FolderDigests.write(contents, in: folder)
    let done = try ByteWriter("\(folder)/\(doneFile)", compression: Compression.none)
    try done.write(origin)
    try done.finish()
  }

  /// Points `best` at a checkpoint.
  package func markBest(_ step: Int) throws(Failure) {
    try checkClaim()
    let link = "\(root)/best"
    let temporary = TemporaryName.beside(link)
    guard symlink("checkpoints/step-\(step)", temporary) == 0, rename(temporary, link) == 0 else {
      unlink(temporary)
      throw SystemError.cannotCreate(link)
    }
    try PathName.syncFolder(of: link)
  }

  /// Removes all checkpoints but the last `count` and the best one, and what kills have left.
  package func prune(keeping count: Int, best: Int?) throws(Failure) {
    try checkClaim()
    for step in try steps().dropLast(count) where step != best { try Self.remove(path(step)) }
    for name in try FolderListing.names(checkpoints)
    where name.hasPrefix(".step-") || name.hasPrefix("step-") {
      let folder = "\(checkpoints)/\(name)"
      if !name.hasPrefix("."), WholeFile.exists("\(folder)/\(Self.doneFile)") { continue }
      try Self.remove(folder)
    }
  }

  /// Removes what a kill has left of files and folders that were being written; `names` are their
  /// paths from the root.
  package func sweep(_ names: [String]) throws(Failure) {
    try checkClaim()
    for name in names {
      let (folder, base) = PathName.split("\(root)/\(name)")
      guard WholeFile.isDirectory(folder) else { continue }
      for found in try FolderListing.names(folder) where found.hasPrefix(".\(base).tmp.") {
        try Self.removeEntry(folder + found)
      }
    }
  }

  /// Removes a file, a link or a folder; never what a link leads to, which may be a checkpoint.
  private static func removeEntry(_ path: String) throws(Failure) {
    if unlink(path) != 0, WholeFile.isDirectory(path) { try remove(path) }
  }

  /// Removes a folder: first what says that it is whole.
  private static func remove(_ folder: String) throws(Failure) {
    unlink("\(folder)/\(doneFile)")
    for name in try FolderListing.names(folder) {
      try removeEntry("\(folder)/\(name)")
    }
    guard rmdir(folder) == 0 else { throw SystemError.io(folder, "rmdir") }
  }
}
