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

  init(_ file: OriginalsFile) {
    self.file = file
    parents = nil
    sweep()
  }

  /// - Parameters:
  ///   - given: The file that the user named.
  ///   - folder: Of the index.
  /// - Throws: 64 for a place in the folder, 73 for one that something else has.
  init(given: String, for folder: String) throws(Failure) {
    parents = try MadeFolders(above: PathName.behindLinks(given))
    file = try OriginalsFile(given: given, for: folder)
    sweep()
  }

  /// Removes what builds that were killed left beside the file.
  private func sweep() {
    let (folder, name) = PathName.split(file.path)
    for entry in IndexReplacement.entries(of: folder) where TemporaryName.isLeft(entry, for: name) {
      unlink(folder + entry)
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

  /// Gives those of the vectors that are wanted the names that have their checksums.
  ///
  /// - Throws: 73 where one cannot get it.
  func place(_ wanted: [IndexManifest.File]) throws(Failure) {
    let checksums = Set(wanted.filter { $0.elsewhere != nil }.map(\.checksum))
    for (path, checksum) in waiting where checksums.contains(checksum) {
      let target = file.beside(checksum)
      if WholeFile.exists(target) { continue }
      guard rename(path, target) == 0 else { throw SystemError.cannotCreate(target) }
      placed.append(target)
    }
    try PathName.syncFolder(of: file.path)
    parents?.keep()
  }

  /// Removes what was placed, where no manifest came to name it.
  func takeBack() { for path in placed { unlink(path) } }

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
    for entry in old {
      guard let place = entry.elsewhere, !files.contains(entry) else { continue }
      let file = OriginalsFile(place.path, of: folder)
      // One file may be called by several paths.
      let isKept = files.contains { other in
        other.checksum == entry.checksum
          && other.elsewhere.map { OriginalsFile($0.path, of: folder).isSame(as: file) } ?? false
      }
      if !isKept { file.remove(entry) }
    }
    guard let file = new?.file else { return }
    let own = files.filter { $0.elsewhere?.path == file.recorded }
    let found = OriginalsFile.content(of: file.path)
    if !own.contains(where: { $0.elsewhere?.content == found }), let first = own.first {
      _ = rename(file.beside(first.checksum), file.path)
    }
    sweep(beside: file, keeping: own)
    try? PathName.syncFolder(of: file.path)
  }

  /// Removes vectors beside the file that a change placed which was killed before it named them.
  private static func sweep(beside file: OriginalsFile, keeping files: [IndexManifest.File]) {
    let (folder, name) = PathName.split(file.path)
    let kept = Set(files.map { PathName.split(file.beside($0.checksum)).name })
    for entry in IndexReplacement.entries(of: folder)
    where entry.hasPrefix(name + ".") && entry.count == name.count + 17 && !kept.contains(entry) {
      if OriginalsFile.content(of: folder + entry) != nil { unlink(folder + entry) }
    }
  }
}
