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
  private let folder: String

  /// - Parameters:
  ///   - recorded: What the manifest says.
  ///   - folder: Of the index.
  init(_ recorded: String, of folder: String) {
    self.recorded = recorded
    self.folder = folder
    path = recorded.hasPrefix("/") ? recorded : "\(folder)/\(recorded)"
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
    self.folder = folder
    guard WholeFile.exists(file) else { return }
    guard WholeFile.isRegular(file), Self.content(of: file) != nil else {
      throw Failure(
        .cannotCreate, at: given, "there is something here that is no index's vectors",
        hint: "remove it, or choose another name")
    }
    let own = (try? IndexManifest(folder: folder))?.files.compactMap(\.elsewhere) ?? []
    guard own.contains(where: { OriginalsFile($0.path, of: folder).isSame(as: self) }) else {
      throw Failure(
        .cannotCreate, at: given, "the vectors of another index are here",
        hint: "remove them, or choose another name")
    }
  }

  /// The path from the root of a file or folder that need not be there, in a folder that is.
  private static func real(_ path: String) throws(Failure) -> String {
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
            "expected \(file.size) bytes, found \(mapped.bytes.count): not the vectors of \(folder)"
          )
        }
        guard try Self.content(of: SafeTensorsFile(mapped)) == file.elsewhere?.content else {
          throw .data(place, "changed: these are not the vectors of \(folder)")
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
      path, "the vectors of \(folder) lie in this file, which is missing",
      hint: "put it back, or rank by codes alone with --approximate")
  }

  /// Removes vectors that no index names any more.
  func remove(_ file: IndexManifest.File) {
    unlink(beside(file.checksum))
    if Self.content(of: path) == file.elsewhere?.content { unlink(path) }
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
