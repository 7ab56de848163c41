import Failures
import Glibc
import IndexFormat
import JSON
import Streams
import Tensors

/// The files and indexes below folders, by their digests; read as far as it takes to find what is
/// asked for.
final class FoundFiles {
  /// Paths that were not looked at yet, the next one last.
  private var waiting: [String]
  private var files: [String: String] = [:]
  private var indexes: [String: String] = [:]
  /// Streams by the digest of the record of what made them.
  private var streams: [String: String] = [:]

  /// - Parameter folders: Folders, or files, to look into.
  /// - Throws: 66 where one is not there.
  init(_ folders: [String]) throws(Failure) {
    for folder in folders where !WholeFile.exists(folder) {
      throw Failure(.noInput, at: folder, "no such file or folder")
    }
    waiting = folders.reversed()
  }

  /// The file with a digest; nil where none has it.
  func file(_ digest: String) throws(Failure) -> String? { try find { $0.files[digest] } }

  /// The index whose manifest, or whose codebook, has a digest; nil where none has it.
  func index(_ digest: String) throws(Failure) -> String? { try find { $0.indexes[digest] } }

  /// The stream whose record of what made it has a digest; nil where none has it.
  func stream(_ digest: String) throws(Failure) -> String? { try find { $0.streams[digest] } }

  private func find(_ known: (FoundFiles) -> String?) throws(Failure) -> String? {
    while true {
      if let path = known(self) { return path }
      guard let next = waiting.popLast() else { return nil }
      try look(next)
    }
  }

  private func look(_ path: String) throws(Failure) {
    if WholeFile.isDirectory(path) { return try enter(path) }
    // What cannot be read is not what was read.
    guard WholeFile.isRegular(path), access(path, R_OK) == 0 else { return }
    let digest = try FileDigest.of(path)
    if files[digest] == nil { files[digest] = path }
    if let by = record(of: path) {
      let digest = Checksum.xxh3Long(Array(by.utf8))
      if streams[digest] == nil { streams[digest] = path }
    }
  }

  /// What made a stream; nil of other files, and of damaged ones.
  private func record(of path: String) -> String? {
    guard let reader = try? ByteReader(path),
      (try? TensorStreamReader.recognizes(reader)) == true,
      let segment = try? TensorStreamReader(reader).next()
    else { return nil }
    return segment.description.by
  }

  private func enter(_ folder: String) throws(Failure) {
    if let manifest = try? IndexManifest(folder: folder) {
      for digest in [manifest.digest, manifest.codebook] {
        if let digest, indexes[digest] == nil { indexes[digest] = folder }
      }
      return
    }
    // A model's folder holds gigabytes, and none of them is an input by itself.
    if WholeFile.exists("\(folder)/config.json") { return }
    for name in ((try? FolderListing.names(folder)) ?? []).sorted().reversed() {
      let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
      // A link to a folder may lead in a circle.
      var info = stat()
      if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFLNK, WholeFile.isDirectory(path) {
        continue
      }
      waiting.append(path)
    }
  }
}
