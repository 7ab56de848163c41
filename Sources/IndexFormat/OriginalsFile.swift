import Failures
import Glibc
import Streams
import Tensors

/// The file, outside of the folder of an index, that holds the vectors that its codes stand for.
///
/// Those of a segment are in the file itself or beside it, in one with the checksum behind its name:
/// there they lie until the old ones are no longer needed, and those of documents that were added later
/// stay there. So the vectors that a manifest names are in one of the two places at any time, however a
/// change of the index ends.
package struct OriginalsFile: Sendable {
  /// What the manifest says: from the folder of the index on, or from the root.
  let recorded: String
  let path: String
  /// The folder of the index.
  let index: String
  /// What messages call the file.
  let shown: String

  /// - Parameters:
  ///   - recorded: What the manifest says.
  ///   - folder: Of the index.
  init(_ recorded: String, of folder: String) {
    self.recorded = recorded
    index = folder
    path = recorded.hasPrefix("/") ? recorded : "\(folder)/\(recorded)"
    shown = path
  }

  /// The file that a user names for a new index.
  ///
  /// A path from here on is recorded as one from the folder on, so that both can be moved together.
  ///
  /// - Parameters:
  ///   - given: What the user said.
  ///   - folder: Of the index, whose parent is there.
  /// - Throws: 64 for a place in the folder, 73 for one that something else has, another index for one,
  ///   or that is in no folder.
  init(given: String, for folder: String) throws(Failure) {
    let whole = try Self.real(folder)
    let file = try Self.real(PathName.behindLinks(given))
    guard file != whole, !file.hasPrefix(whole + "/") else {
      throw .usage("\(given) is in the folder of the index", hint: "--originals keep is for that")
    }
    recorded = given.hasPrefix("/") ? file : Self.way(from: whole, to: file)
    // The folder need not be there.
    path = file
    index = folder
    shown = given
    if OriginalsPlacement.isUnderWay(at: self) { _ = try OriginalsPlacement(at: self) }
    try refuseOthers()
  }

  /// Makes sure that new vectors of the index can be put here.
  ///
  /// - Throws: 73 where something else is here, or beside it, than vectors that the index has now.
  func refuseOthers() throws(Failure) {
    let own = ((try? IndexManifest(folder: index))?.files ?? []).filter(holds)
    guard WholeFile.exists(path) else {
      // Its index was not settled, or the file is missing: what lies beside it is some index's.
      for (place, checksum) in besides where !own.contains(where: { $0.checksum == checksum }) {
        throw others(at: place)
      }
      return
    }
    guard WholeFile.isRegular(path), let content = Self.content(of: path) else {
      throw Failure(
        .cannotCreate, at: shown, "there is something here that is no index's vectors",
        hint: "remove it, or choose another name")
    }
    if !own.contains(where: { $0.elsewhere?.content == content }) { throw others(at: shown) }
  }

  private func others(at place: String) -> Failure {
    Failure(
      .cannotCreate, at: place, "the vectors of another index are here",
      hint: "remove them, or choose another name")
  }

  /// Vectors that lie beside the file, and their checksums.
  private var besides: [(place: String, checksum: String)] {
    let (folder, name) = PathName.split(path)
    return IndexReplacement.entries(of: folder.isEmpty ? "." : folder).compactMap { entry in
      guard entry.hasPrefix(name + "."), entry.count == name.count + 17,
        Self.content(of: folder + entry) != nil
      else { return nil }
      return (folder + entry, String(entry.suffix(16)))
    }
  }

  /// Whether a manifest of the index names vectors in the file.
  private func holds(_ file: IndexManifest.File) -> Bool {
    file.elsewhere.map { OriginalsFile($0.path, of: index).isSame(as: self) } ?? false
  }

  /// Removes vectors that the index no longer names, and gives those beside the file its own name where
  /// it has no others, or the very same, which need not be whole.
  ///
  /// - Parameters:
  ///   - files: All that its manifest names.
  ///   - old: Those that were there before.
  func tidy(naming files: [IndexManifest.File], before old: [IndexManifest.File]) {
    let own = files.filter(holds)
    for entry in old where holds(entry) {
      if own.contains(where: { $0.checksum == entry.checksum }) { continue }
      unlink(beside(entry.checksum))
      let content = entry.elsewhere?.content
      let isKept = own.contains { $0.elsewhere?.content == content }
      if !isKept, Self.content(of: path) == content { unlink(path) }
    }
    for entry in own where WholeFile.exists(beside(entry.checksum)) {
      if !WholeFile.exists(path) || Self.content(of: path) == entry.elsewhere?.content {
        rename(beside(entry.checksum), path)
      }
    }
    try? PathName.syncFolder(of: path)
  }

  /// The path from the root of a file or folder that need not be there, in a folder that is.
  static func real(_ path: String) throws(Failure) -> String {
    let (parent, name) = (PathName.parent(path), PathName.split(path).name)
    guard let found = realpath(parent, nil), !name.isEmpty else {
      throw SystemError.cannotCreate(path)
    }
    defer { free(found) }
    let folder = String(cString: found)
    return folder == "/" ? "/\(name)" : "\(folder)/\(name)"
  }

  /// The way from a folder to a file, both named from the root on.
  package static func way(from folder: String, to file: String) -> String {
    let (from, to) = (folder.split(separator: "/"), file.split(separator: "/"))
    let common = zip(from, to).prefix { $0 == $1 }.count
    let up = repeatElement("..", count: from.count - common)
    return (up + to[common...].map(String.init)).joined(separator: "/")
  }

  /// Whether both are one file, by whatever path.
  func isSame(as other: OriginalsFile) -> Bool {
    let (own, others) = (try? Self.real(path), try? Self.real(other.path))
    return own != nil && own == others
  }

  /// Where vectors with a checksum lie while others are in the file.
  func beside(_ checksum: String) -> String { "\(path).\(checksum)" }

  enum Found {
    case found(MappedFile)
    case missing
    /// There is something else.
    case other(Failure)
  }

  /// Looks for the vectors that a manifest names, without reading them through.
  func find(_ file: IndexManifest.File) -> Found {
    var wrong: Failure?
    for place in [path, beside(file.checksum)] where WholeFile.exists(place) {
      do throws(Failure) {
        let mapped = try MappedFile(place)
        guard mapped.bytes.count == file.size else {
          throw .data(
            place,
            "expected \(file.size) bytes, found \(mapped.bytes.count): not the vectors of \(index)"
          )
        }
        guard try Self.content(of: SafeTensorsFile(mapped)) == file.elsewhere?.content else {
          throw .data(place, "changed: these are not the vectors of \(index)")
        }
        // What is guarded ends the process where it is another file's.
        return .found(try MappedFile(place, file.blocks))
      } catch {
        wrong = wrong ?? error
      }
    }
    return wrong.map { .other($0) } ?? .missing
  }

  /// What is said where there is nothing.
  var missing: Failure {
    .config(
      path, "the vectors of \(index) lie in this file, which is missing",
      hint: "put it back, or rank by codes alone with --approximate")
  }

  /// The digest that a file of vectors names; nil of any other file.
  static func content(of path: String) -> String? {
    guard let file = try? SafeTensorsFile(path) else { return nil }
    return content(of: file)
  }

  private static func content(of file: SafeTensorsFile) -> String? {
    file.header.metadata.first { $0.key == StreamedTensorFile.contentKey }?.value.string
  }
}

extension IndexManifest {
  /// Whether the vectors of an index are where they are asked for.
  ///
  /// - Parameters:
  ///   - file: The file as a user names it; nil for the folder.
  ///   - folder: Of the index.
  /// - Returns: Whether they are.
  /// - Throws: 64 and 73 for a file that they cannot be in.
  package func hasOriginals(at file: String?, _ folder: String) throws(Failure) -> Bool {
    let target = try IndexWorkspace.resolved(folder)
    return try file.map { given throws(Failure) in
      try OriginalsFile(given: given, for: target).recorded
    } == originals
  }
}
