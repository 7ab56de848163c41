import Failures
import Glibc

/// Small files read at once: configurations, vocabularies, manifests.
package enum WholeFile {
  /// Reads all of `path`.
  ///
  /// Above the limit the file is refused (65), so that a wrong path does not fill the memory.
  package static func read(_ path: String, limit: Int = 1 << 30) throws(Failure) -> [UInt8] {
    let descriptor = try OwnedDescriptor.open(reading: path)
    let size = try descriptor.size(path)
    guard size <= limit else {
      throw .data(path, "expected at most \(limit) bytes, found \(size)")
    }
    var bytes = [UInt8](repeating: 0, count: size)
    var filled = 0
    while filled < size {
      let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
        try descriptor.read(
          into: UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(rebasing: buffer[filled...])), name: path)
      }
      if count == 0 { throw .data(path, "expected \(size) bytes, found \(filled)") }
      filled += count
    }
    return bytes
  }

  /// Whether there is a file (or a link to one) at `path`.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether `path` is a plain file, which can be read twice; it is not opened to find out.
  package static func isRegular(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG
  }

  /// Whether there is a folder at `path`.
  package static func isDirectory(_ path: String) -> Bool {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
  }
}
