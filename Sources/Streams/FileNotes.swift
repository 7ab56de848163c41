import Failures
import Glibc

/// What was found by reading a file whole, kept for as long as the file stays the same: a folder of
/// small notes, each of one file.
///
/// A file counts as the same while device, inode, size and the times of its last change of content
/// and of inode are, to the nanosecond. The last one is set by the system alone: it shows a change
/// that left size and time of content as they were, and a file that took another's place. A file
/// that was changed just before is not noted, since a second change within a tick of the clock would
/// have the same times.
package struct FileNotes: Sendable {
  private let folder: String
  /// Seconds after its last change from which a file is noted: a tick of any file system's clock.
  private let settling: Int
  /// Smaller files are read anew: that costs no more than the note.
  private let leastSize: Int
  private static let suffix = ".note"

  /// - Parameters:
  ///   - folder: Where the notes are.
  ///   - settling: Seconds after its last change from which a file is noted.
  ///   - leastSize: Bytes of a file that is worth a note.
  package init(_ folder: String, settling: Int = 2, leastSize: Int = 1 << 16) {
    self.folder = folder
    self.settling = settling
    self.leastSize = leastSize
  }

  /// What was found out about a file: as it is noted, else as `find` says, which is then noted.
  ///
  /// - Parameters:
  ///   - path: The file's.
  ///   - find: Reads the file; what it gives holds no white space.
  /// - Returns: What it gives, or gave when the file was the same.
  /// - Throws: What it throws.
  package func value(
    of path: String, _ find: () throws(Failure) -> String
  ) throws(Failure) -> String {
    guard let before = FileIdentity(path), before.size >= leastSize else { return try find() }
    let place = "\(folder)/\(Checksum.hex(Checksum.xxh3(Array(before.file.utf8))))\(Self.suffix)"
    if let known = Self.read(place, before) { return known }
    let now = time(nil)
    let value = try find()
    if before.changed < now - settling, FileIdentity(path) == before {
      Self.write(place, before, value)
    }
    return value
  }

  /// The line of a note: identity, value, and a checksum of both, separated by tabs.
  private static func line(_ identity: FileIdentity, _ value: String) -> String {
    let text = "lir-note\t1\t\(identity.text)\t\(value)"
    return "\(text)\t\(Checksum.hex(Checksum.xxh3(Array(text.utf8))))\n"
  }

  private static func read(_ place: String, _ identity: FileIdentity) -> String? {
    guard WholeFile.isRegular(place), let bytes = try? WholeFile.read(place, limit: 4096) else {
      return nil
    }
    let fields = String(decoding: bytes, as: UTF8.self).split(separator: "\t")
    guard fields.count >= 2 else { return nil }
    let value = String(fields[fields.count - 2])
    return Array(line(identity, value).utf8) == bytes ? value : nil
  }

  /// A note that cannot be written is none: the file is read again.
  private static func write(_ place: String, _ identity: FileIdentity, _ value: String) {
    guard let output = try? OutputFile(place) else { return }
    let bytes = Array(line(identity, value).utf8)
    do throws(Failure) {
      try bytes.withBytes { bytes throws(Failure) in try output.write(bytes) }
      try output.finish()
    } catch {
      return
    }
  }
}

/// What tells a file, as it is now, from others and from what it was before.
private struct FileIdentity: Equatable {
  let device: UInt64
  let inode: UInt64
  let size: Int
  /// Seconds.
  let changed: Int
  private let times: [Int]

  init?(_ path: String) {
    var info = stat()
    guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return nil }
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    size = Int(info.st_size)
    changed = info.st_ctim.tv_sec
    times = [
      info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec,
    ]
  }

  /// Which file it is.
  var file: String { "\(device)\t\(inode)" }

  /// Which file it is, and how.
  var text: String { "\(file)\t\(size)\t" + times.map(String.init).joined(separator: "\t") }
}
