import Failures
import Glibc
import JSON
import Streams
import Tensors

/// Puts a new index in its place.
///
/// A file's name in the folder has the checksum of its content, so that no new file takes the name
/// of an old one that is another. Then replacing an index is the rename of one manifest over the
/// other: until then the folder holds the old index, from then on the new one, on every file system.
enum IndexReplacement {
  /// The name that a file has in the folder of its index.
  static func placed(_ name: String, checksum: String) -> String {
    "\(name).\(checksum)\(suffix)"
  }

  static let suffix = ".safetensors"

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
    // Other programs have manifests, too, whose files are not ours to remove.
    guard manifest["format"]?.integer != nil, manifest["type"]?.string != nil,
      manifest["xxh3"]?.string != nil, let files = manifest["files"]?.array
    else {
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

  /// Renames a folder with a whole index to `target`, where there was nothing.
  ///
  /// - Returns: Whether it is there; not where another index has come there meanwhile.
  /// - Throws: 73 where it cannot be put there, or something else has come there.
  static func create(_ target: String, from folder: String) throws(Failure) -> Bool {
    guard rename(folder, target) == 0 else {
      let why = errno
      guard why == ENOTEMPTY || why == EEXIST,
        WholeFile.exists("\(target)/\(IndexManifest.fileName)")
      else {
        errno = why
        throw SystemError.cannotCreate(target)
      }
      return false
    }
    try PathName.syncFolder(of: target)
    return true
  }

  /// Puts an index in the place of the one that is in `target`; other files that lie there stay.
  ///
  /// - Parameters:
  ///   - target: The folder of the old index.
  ///   - folder: The new files, under the names that they are to have, and the new manifest.
  ///   - names: Names of the new files but the manifest.
  ///   - kept: Names of all files that the new manifest names.
  ///   - base: The manifest that the new one is a change of; nil to replace whatever is there.
  ///   - lease: The lease of `target`, since before `base` was read.
  /// - Throws: 73 where a file cannot be put there, or the folder is no longer an index; the old one
  ///   is then as it was. 75 where another process changed the index meanwhile.
  static func replace(
    _ target: String, from folder: String, _ names: [String], keeping kept: [String],
    changing base: [UInt8]?, under lease: Lease
  ) throws(Failure) {
    try lease.check()
    let before = try WholeFile.read("\(target)/\(IndexManifest.fileName)")
    // Somebody may have removed a lease by hand.
    guard base == nil || base == before else {
      throw Failure(
        .retry, at: target, "another process changed the index meanwhile",
        hint: "run the same command again")
    }
    let kept = Set(kept)
    let own = try ownFiles(of: target)
    let old = own.subtracting(kept)
    let manifest = try WholeFile.read("\(folder)/\(IndexManifest.fileName)")
    for name in names {
      if !own.contains(name), WholeFile.exists("\(target)/\(name)"),
        try !isOurs(name, in: target)
      {
        throw Failure(
          .cannotCreate, at: "\(target)/\(name)", "this is not the old index's, and in the way",
          hint: "remove it, or choose another name for the index")
      }
    }
    do throws(Failure) {
      try write(old.sorted(), to: "\(folder)/\(superseded)")
      try place(names, from: folder, in: target)
      // The new files must last before a manifest names them. A manifest that is a link is replaced
      // itself: the index behind it keeps its own.
      try PathName.syncFolder(of: "\(target)/\(IndexManifest.fileName)")
      try lease.publish(
        "\(folder)/\(IndexManifest.fileName)", as: "\(target)/\(IndexManifest.fileName)")
    } catch {
      // A rename over a network may say that it failed, and have been done.
      let found = try? WholeFile.read("\(target)/\(IndexManifest.fileName)")
      guard found == manifest else {
        // Who has the lease now may have placed the same files.
        if found == before, (try? lease.check()) != nil {
          for name in names where !own.contains(name) { unlink("\(target)/\(name)") }
        }
        throw error
      }
    }
    try PathName.syncFolder(of: "\(target)/\(IndexManifest.fileName)")
    removeOld(target, old, keeping: kept, folder)
    // What counts is done. Whoever has the lease by now may have changed the index again.
    guard (try? lease.check()) != nil else { return }
    for name in kept where !WholeFile.exists("\(target)/\(name)") {
      throw Failure(
        .cannotCreate, at: "\(target)/\(name)", "another build replaced the index meanwhile",
        hint: "run the same command again")
    }
  }

  /// Waits for the lease of an index's folder.
  ///
  /// - Parameters:
  ///   - target: The folder.
  ///   - waiting: Called once where that takes more than a second.
  /// - Returns: The lease.
  /// - Throws: 73 and 74 where it cannot be made.
  static func lease(of target: String, waiting: () -> Void = {}) throws(Failure) -> Lease {
    try Lease(waitingAt: Lease.path(in: target), for: target, waiting: waiting)
  }

  /// Renames new files into the folder of an index.
  private static func place(
    _ names: [String], from folder: String, in target: String
  ) throws(Failure) {
    for name in names {
      guard rename("\(folder)/\(name)", "\(target)/\(name)") == 0 else {
        throw SystemError.cannotCreate("\(target)/\(name)")
      }
    }
  }

  /// Removes the files of the index that was replaced, and what replacements that were killed left.
  ///
  /// Nothing here can fail the work: the new index is in its place. While another build has a folder
  /// here, whose files may be placed and not yet named, nothing but the old index goes.
  static func removeOld(
    _ target: String, _ old: Set<String>, keeping new: Set<String>, _ own: String
  ) {
    let names = entries(of: target).filter {
      !new.contains($0) && $0 != IndexManifest.fileName
    }
    for name in names where old.contains(name) { unlink("\(target)/\(name)") }
    let builds = names.filter {
      $0.hasPrefix(".\(temporary).tmp.") && "\(target)/\($0)" != own
    }
    guard builds.allSatisfy({ TemporaryName.isAbandoned($0, in: "\(target)/", for: temporary) })
    else { return }
    for name in builds {
      let left = Set(list("\(target)/\(name)/\(superseded)"))
      for name in names where left.contains(name) { unlink("\(target)/\(name)") }
      OriginalsWorkspace.finish(leaving: list("\(target)/\(name)/\(leaving)"), of: target)
      removeFolder("\(target)/\(name)")
    }
    for name in names where (try? isOurs(name, in: target)) ?? false {
      unlink("\(target)/\(name)")
    }
  }

  /// A list, in the folder of a build, of the files that it replaces: a build that is killed before it
  /// has removed them leaves it to the next one.
  static let superseded = "superseded"

  /// A list, in the folder of a build, of the files outside of the index that its vectors are to leave.
  static let leaving = "leaving"

  static func write(_ names: [String], to path: String) throws(Failure) {
    let output = try ByteWriter(path, compression: Compression.none)
    try output.write(names.map { $0 + "\n" }.joined())
    try output.finish()
  }

  /// The names of such a list; none where there is no list.
  private static func list(_ path: String) -> [String] {
    let lines = ((try? WholeFile.read(path)) ?? []).split(separator: 0x0A)
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Removes the folders that builds of a new index at `target` have left, which were killed.
  static func sweep(beside target: String) {
    let (folder, name) = PathName.split(target)
    for entry in entries(of: folder.isEmpty ? "." : folder)
    where TemporaryName.isAbandoned(entry, in: folder, for: name) {
      removeFolder(folder + entry)
    }
  }

  /// What temporary folders in the folder of an index are called after.
  static let temporary = "index"

  /// Removes the folder of a build that was killed, which holds plain files alone.
  ///
  /// The lease goes first: a build that was only stopped knows by it, and gives its files no place.
  private static func removeFolder(_ folder: String) {
    unlink(Lease.path(in: folder))
    for name in entries(of: folder) { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  /// Whether a name has the checksum of the file's content in it, as only a file of an index has.
  private static func isOurs(_ name: String, in folder: String) throws(Failure) -> Bool {
    guard name.hasSuffix(suffix), WholeFile.isRegular("\(folder)/\(name)") else { return false }
    let stem = name.dropLast(suffix.count)
    guard let dot = stem.lastIndex(of: "."), stem.distance(from: dot, to: stem.endIndex) == 17
    else { return false }
    return try stem[stem.index(after: dot)...] == FileDigest.short("\(folder)/\(name)")
  }

  /// Names in a folder, sorted; none of what is no folder or cannot be read.
  static func entries(of folder: String) -> [String] {
    ((try? FolderListing.names(folder)) ?? []).sorted()
  }
}
