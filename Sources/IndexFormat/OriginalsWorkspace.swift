import Failures
import Glibc
import Streams

/// Vectors on their way to a file outside of the folder of their index.
///
/// They are written beside the file, get a name with their checksum before the manifest names them, and
/// the file's own name when it does, unless the index still has others there.
final class OriginalsWorkspace {
  private let file: OriginalsFile
  private let parents: MadeFolders?
  /// Files that are whole but not yet placed.
  private var waiting: [(path: String, checksum: String)] = []
  /// What is removed where the index does not come.
  private var made: [(path: String, token: Signals.Token)] = []
  private var placed: [String] = []
  /// From the first name that is given until all are.
  private var placement: OriginalsPlacement?

  init(_ file: OriginalsFile) {
    self.file = file
    parents = nil
    Self.sweep(file)
  }

  /// - Parameters:
  ///   - given: The file that the user named.
  ///   - folder: Of the index.
  /// - Throws: 64 for a place in the folder, 73 for one that something else has.
  init(given: String, for folder: String) throws(Failure) {
    parents = try MadeFolders(above: PathName.behindLinks(given))
    file = try OriginalsFile(given: given, for: folder)
    Self.sweep(file)
  }

  /// Removes what builds that were killed left beside the file.
  private static func sweep(_ file: OriginalsFile) {
    let (folder, name) = PathName.split(file.path)
    for entry in IndexReplacement.entries(of: folder) {
      // What becomes a note has a temporary name of its own while it is written to one.
      let parts = entry.dropFirst().split(separator: ".tmp.", omittingEmptySubsequences: false)
      let target = parts.dropLast().joined(separator: ".tmp.")
      if TemporaryName.isLeft(entry, for: name) || TemporaryName.isLeft(target, for: name) {
        unlink(folder + entry)
      }
    }
  }

  deinit {
    for (path, token) in made {
      unlink(path)
      Signals.forget(token)
    }
  }

  /// A path beside the file, which is removed unless what is there is taken and placed.
  func temporary() -> String {
    let path = TemporaryName.beside(file.path)
    made.append((path, Signals.register(path)))
    return path
  }

  /// Takes whole vectors.
  ///
  /// - Parameters:
  ///   - path: One that `temporary` gave.
  ///   - entry: What the manifest will say of them.
  ///   - content: Their digest.
  /// - Returns: What it will say of where they are.
  func take(
    _ path: String, as entry: IndexManifest.File, _ content: String
  ) -> IndexManifest.Elsewhere {
    waiting.append((path, entry.checksum))
    return IndexManifest.Elsewhere(path: file.recorded, content: content)
  }

  /// Gives those of the vectors that are wanted the names that have their checksums, once nobody else
  /// is at the file; until `settle` or `takeBack` nobody else is.
  ///
  /// - Parameters:
  ///   - wanted: New ones that the manifest will name.
  ///   - old: Files that the earlier manifest names.
  /// - Throws: 73 where one cannot get it, or other vectors came there.
  func place(
    _ wanted: [IndexManifest.File], before old: [IndexManifest.File]
  ) throws(Failure) {
    let placement = try OriginalsPlacement(at: file)
    self.placement = placement
    try file.refuseOthers()
    let wanted = wanted.filter { $0.elsewhere != nil }
    let noted = wanted + old.filter { $0.elsewhere != nil && !wanted.contains($0) }
    if !noted.isEmpty { try placement.note(noted) }
    for (path, checksum) in waiting where wanted.contains(where: { $0.checksum == checksum }) {
      let target = file.beside(checksum)
      if WholeFile.exists(target) { continue }
      try placement.check()
      guard rename(path, target) == 0 else { throw SystemError.cannotCreate(target) }
      placed.append(target)
    }
    try PathName.syncFolder(of: file.path)
    parents?.keep()
  }

  /// Notes beside files that vectors are to leave whose they are, so that whoever comes next removes them
  /// where this process is killed before it can.
  ///
  /// Nothing here can fail the work: a file's folder may be gone, or no longer be written to.
  ///
  /// - Parameters:
  ///   - files: Those that the vectors leave (`left`).
  ///   - folder: Of the index.
  ///   - old: Files that its manifest names.
  static func announce(leaving files: [String], of folder: String, _ old: [IndexManifest.File]) {
    for path in files {
      let file = OriginalsFile(path, of: folder)
      sweep(file)
      // Nobody is kept waiting: until the manifest changes, a note has no effect.
      try? OriginalsPlacement(at: file).note(old.filter { $0.elsewhere?.path == path })
    }
  }

  /// Finishes what was announced, if it is not yet: removes vectors, or, where the index still has them,
  /// the note.
  static func finish(leaving files: [String], of folder: String) {
    for path in files {
      let file = OriginalsFile(path, of: folder)
      if OriginalsPlacement.isUnderWay(at: file) { _ = try? OriginalsPlacement(at: file) }
    }
  }

  /// Files that vectors lie in which an index is to have no longer there, as its manifest names them.
  ///
  /// - Parameters:
  ///   - new: Where its vectors go; nil for its folder.
  ///   - folder: Of the index.
  ///   - old: Files that its manifest names.
  /// - Returns: Their names.
  static func left(
    for new: OriginalsWorkspace?, of folder: String, _ old: [IndexManifest.File]
  ) -> [String] {
    Set(old.compactMap(\.elsewhere?.path)).sorted().filter { path in
      new.map { !OriginalsFile(path, of: folder).isSame(as: $0.file) } ?? true
    }
  }

  /// Removes what was placed, where no manifest came to name it.
  func takeBack() {
    placement?.takeBack(placed)
    placement = nil
  }

  /// Removes vectors that a manifest named and no longer does, and gives new ones the file's own name
  /// where the index has no others there.
  ///
  /// Nothing here can fail the work: the vectors are where they are looked for in any case.
  ///
  /// - Parameters:
  ///   - new: Where new vectors went; nil where there are none elsewhere.
  ///   - folder: Of the index.
  ///   - files: All that the manifest names.
  ///   - old: Those that the earlier one named.
  static func settle(
    _ new: OriginalsWorkspace?, of folder: String, _ files: [IndexManifest.File],
    before old: [IndexManifest.File]
  ) {
    if let new {
      let placement = new.placement ?? (try? OriginalsPlacement(at: new.file))
      placement?.settle(naming: files, before: old)
      new.placement = nil
    }
    for path in left(for: new, of: folder, old) {
      let file = OriginalsFile(path, of: folder)
      (try? OriginalsPlacement(at: file))?.settle(naming: files, before: old)
    }
  }
}
