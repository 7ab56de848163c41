import Failures
import Glibc

/// Small files read at once: configurations, vocabularies, manifests.
package enum WholeFile {
  /// Reads all of `path`, which may be a pipe.
  ///
  /// Above the limit the file is refused (65), so that a wrong path does not fill the memory.
  package static func read(_ path: String, limit: Int = 1 << 30) throws(Failure) -> [UInt8] {
    let descriptor = try OwnedDescriptor.open(reading: path)
    let size = descriptor.regularSize
    guard size <= limit else { throw tooLarge(path, limit, "\(size)") }
    // One more than the size, so that the end shows without another round.
    var bytes = [UInt8](repeating: 0, count: size + 1)
    var filled = 0
    while true {
      if filled == bytes.count {
        bytes.append(contentsOf: repeatElement(0, count: max(filled, 1 << 16)))
      }
      let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(Failure) in
        try descriptor.read(
          into: UnsafeMutableRawBufferPointer(
            UnsafeMutableBufferPointer(rebasing: buffer[filled...])), name: path)
      }
      if count == 0 { break }
      filled += count
      guard filled <= limit else { throw tooLarge(path, limit, "more") }
    }
    guard filled >= size else { throw .data(path, "expected \(size) bytes, found \(filled)") }
    bytes.removeLast(bytes.count - filled)
    return bytes
  }

  /// Reads all of a text file, without the byte order mark that it may begin with.
  ///
  /// - Throws: 66 where there is none, 65 where it has not one byte (`EmptyInputs`).
  package static func readText(_ path: String, limit: Int = 1 << 30) throws(Failure) -> [UInt8] {
    let bytes = try read(path, limit: limit)
    if bytes.isEmpty, !EmptyInputs.areAllowed {
      throw .data(path, "expected text, found not one byte")
    }
    return ByteOrderMark.removed(from: bytes)
  }

  private static func tooLarge(_ path: String, _ limit: Int, _ found: String) -> Failure {
    .data(path, "expected at most \(limit) bytes, found \(found)")
  }

  /// Whether there is a file (or a link to one) at `path`.
  package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Bytes of a regular file; nil of anything else.
  package static func size(_ path: String) -> Int? {
    var info = stat()
    return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG ? Int(info.st_size) : nil
  }

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
