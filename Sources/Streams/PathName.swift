import Failures
import Glibc

/// Parts of paths.
package enum PathName {
  /// What a path names once links are followed; the path itself where there is nothing yet.
  package static func resolvingLink(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The file or folder that a name stands for once it is made: the end of a chain of links, which need
  /// not be there.
  ///
  /// - Throws: 73 where links lead in a circle.
  package static func behindLinks(_ path: String) throws(Failure) -> String {
    var current = path
    for _ in 0..<40 {
      guard let target = link(current) else { return current }
      current = target
    }
    throw Failure(.cannotCreate, at: path, SystemError.text(ELOOP))
  }

  /// Where a link leads; nil of anything else.
  private static func link(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count - 1)
    if count <= 0 { return nil }
    let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    return target.hasPrefix("/") ? target : split(path).folder + target
  }

  /// Whether a path is, or is a link to, an open descriptor of a process.
  package static func leadsToDescriptor(_ path: String) -> Bool {
    var current = path
    for _ in 0..<8 {
      if current.hasPrefix("/dev/fd/") || (current.hasPrefix("/proc/") && current.contains("/fd/"))
      {
        return true
      }
      guard let target = link(current) else { return false }
      current = target
    }
    return false
  }

  /// The folder with its final `/` (empty for the current one), and the last component.
  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[...slash]), String(path[path.index(after: slash)...]))
  }

  /// The folder that a path is in; `.` for the current one, `/` for the root.
  package static func parent(_ path: String) -> String {
    var folder = split(path).folder
    if folder.isEmpty { return "." }
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    return folder
  }

  /// Folders above a path that are not there, outermost first.
  package static func missingFolders(above path: String) -> [String] {
    var missing: [String] = []
    var folder = parent(path)
    while folder != ".", folder != "/", access(folder, F_OK) != 0, errno == ENOENT {
      missing.append(folder)
      folder = parent(folder)
    }
    return missing.reversed()
  }

  /// Makes a rename in the folder of `path` last.
  package static func syncFolder(of path: String) throws(Failure) {
    let folder = split(path).folder
    let number = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return }
    // Some file systems cannot sync a folder (EINVAL); that is not this file's failure.
    _ = fsync(number)
    close(number)
  }
}
