import Failures
import Glibc
import IndexFormat
import JSON
import Streams
import Tensors

/// Puts a new index in the place of an old one.
enum IndexReplacement {
  /// Names of the files that belong to the index in a folder, whatever its version.
  ///
  /// - Throws: 73 where its manifest does not say.
  static func ownFiles(of folder: String) throws(Failure) -> Set<String> {
    let path = "\(folder)/\(IndexManifest.fileName)"
    let manifest: JSON
    do throws(Failure) {
      manifest = try JSONFile.read(path)
    } catch {
      throw unknown(folder, error.message)
    }
    guard manifest["format"]?.integer != nil, let files = manifest["files"]?.array else {
      throw unknown(folder, "its manifest does not name its files")
    }
    var names: Set = [IndexManifest.fileName]
    for name in files.compactMap({ $0["name"]?.string }) where !name.contains("/") {
      names.insert(name)
    }
    return names
  }

  private static func unknown(_ folder: String, _ why: String) -> Failure {
    Failure(
      .cannotCreate, at: folder, "the index that is here cannot be replaced: \(why)",
      hint: "remove it, or choose another name")
  }

  /// Renames `folder` to `target`.
  ///
  /// An old index goes away; other files that lie beside it stay, in the new folder. Where the new
  /// folder cannot be put in its place, the old one is put back.
  static func replace(_ target: String, by folder: String) throws(Failure) {
    guard WholeFile.exists(target) else {
      guard rename(folder, target) == 0 else { throw SystemError.cannotCreate(target) }
      return try PathName.syncFolder(of: target)
    }
    let own = try ownFiles(of: target)
    let others = entries(of: target).filter { !own.contains($0) }
    let new = Set(entries(of: folder))
    if let name = others.first(where: new.contains) {
      throw Failure(
        .cannotCreate, at: "\(target)/\(name)", "this is not the old index's, and in the way",
        hint: "remove it, or choose another name for the index")
    }
    let aside = folder + ".old"
    guard rename(target, aside) == 0 else { throw SystemError.cannotCreate(target) }
    guard rename(folder, target) == 0 else {
      let failure = SystemError.cannotCreate(target)
      rename(aside, target)
      throw failure
    }
    try PathName.syncFolder(of: target)
    for name in others where rename("\(aside)/\(name)", "\(target)/\(name)") != 0 {
      throw Failure(
        .cannotCreate, at: "\(target)/\(name)",
        "the index is finished, but a file beside it is left in \(aside): "
          + SystemError.text(errno))
    }
    for name in own { unlink("\(aside)/\(name)") }
    rmdir(aside)
  }

  /// Names in a folder.
  static func entries(of folder: String) -> [String] {
    guard let handle = opendir(folder) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
