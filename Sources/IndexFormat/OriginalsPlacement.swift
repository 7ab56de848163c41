import Failures
import Glibc
import JSON
import Streams
import Tensors

/// Names in and beside a file that has the vectors of an index: one process at a time gives and takes them.
///
/// A note beside the file says whose and which they are, from before the first of them gets a name until
/// each has its last one. So whoever comes after a process that was killed meanwhile knows which of them
/// are named by a manifest, and which nobody needs.
final class OriginalsPlacement {
  private let file: OriginalsFile
  private let lease: Lease

  /// Waits until nobody else is at it, and finishes what a process has left that was killed there.
  ///
  /// - Throws: 73 and 74 where nothing can be written there; 73 where vectors lie there of an index that was
  ///   not put in its place.
  init(at file: OriginalsFile) throws(Failure) {
    self.file = file
    lease = try Lease(waitingAt: Self.hidden("lease", file), for: file.path)
    try finishWhatWasLeft()
  }

  deinit { lease.release() }

  /// Whether a process was killed there, or one is at it.
  static func isUnderWay(at file: OriginalsFile) -> Bool { WholeFile.exists(note(of: file)) }

  private static func note(of file: OriginalsFile) -> String { hidden("placing", file) }

  private static func hidden(_ suffix: String, _ file: OriginalsFile) -> String {
    let (folder, name) = PathName.split(file.path)
    return "\(folder).\(name).\(suffix)"
  }

  private func finishWhatWasLeft() throws(Failure) {
    let path = Self.note(of: file)
    guard WholeFile.exists(path) else { return }
    let json = try JSONFile.read(path)
    guard let way = json["index"]?.string, let files = try? IndexManifest.files(json, path) else {
      throw .data(path, "expected what is under way with vectors", hint: "remove it")
    }
    let index = way.hasPrefix("/") ? way : "\(PathName.parent(file.path))/\(way)"
    let manifest = try? IndexManifest(folder: index)
    let mayBeGone =
      Self.isOne(index, file.index) && !WholeFile.exists("\(index)/\(IndexManifest.fileName)")
    guard manifest != nil || mayBeGone else {
      throw Failure(
        .cannotCreate, at: file.shown, "the vectors of \(index) are here, which was not finished",
        hint: "run the command again that was to make it, or remove \(path) and the vectors")
    }
    // From the root, as the other index is elsewhere.
    let found = OriginalsFile(try OriginalsFile.real(file.path), of: index)
    found.tidy(naming: manifest?.files ?? [], before: files)
    unlink(path)
  }

  private static func isOne(_ folder: String, _ other: String) -> Bool {
    let (folder, other) = (try? OriginalsFile.real(folder), try? OriginalsFile.real(other))
    return folder != nil && folder == other
  }

  /// Writes the note.
  ///
  /// - Parameter files: What will be in and beside the file, and what is to be no longer.
  /// - Throws: 73 and 74 where it cannot be written.
  func note(_ files: [IndexManifest.File]) throws(Failure) {
    let folder = PathName.parent(try OriginalsFile.real(file.path))
    let index = try OriginalsFile.real(file.index)
    let way =
      file.recorded.hasPrefix("/") ? index : OriginalsFile.way(from: folder, to: index)
    let json = JSON.object([
      JSON.Member("index", .string(way)), JSON.Member("files", .array(files.map(\.json))),
    ])
    let path = TemporaryName.beside(file.path)
    do throws(Failure) {
      let output = try ByteWriter(path, compression: Compression.none)
      try output.write(json.indented() + "\n")
      try output.finish()
      try lease.publish(path, as: Self.note(of: file))
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Whether nobody else can be at it.
  ///
  /// - Throws: 75 where another process took over.
  func check() throws(Failure) { try lease.check() }

  /// Removes vectors that a manifest named and no longer does, and gives others the file's own name.
  ///
  /// Nothing here can fail the work: the vectors are where they are looked for in any case. Who comes next
  /// does it where this process can no longer.
  ///
  /// - Parameters:
  ///   - files: All that the manifest names.
  ///   - old: Those that were there before.
  func settle(naming files: [IndexManifest.File], before old: [IndexManifest.File]) {
    guard (try? lease.check()) != nil else { return }
    file.tidy(naming: files, before: old)
    unlink(Self.note(of: file))
  }

  /// Removes what was placed, where no manifest came to name it.
  func takeBack(_ placed: [String]) {
    guard (try? lease.check()) != nil else { return }
    for path in placed { unlink(path) }
    unlink(Self.note(of: file))
  }
}
