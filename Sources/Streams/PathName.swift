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

  /// Whether a path is, or is a link to, an open descriptor of a process.
  package static func leadsToDescriptor(_ path: String) -> Bool {
    var current = path
    for _ in 0..<8 {
      if current.hasPrefix("/dev/fd/") || (current.hasPrefix("/proc/") && current.contains("/fd/"))
      {
        return true
      }
      var buffer = [CChar](repeating: 0, count: 4096)
      let count = readlink(current, &buffer, buffer.count - 1)
      if count <= 0 { return false }
      let target = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
      current = target.hasPrefix("/") ? target : split(current).folder + target
    }
    return false
  }

  /// The folder with its final `/` (empty for the current one), and the last component.
  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[...slash]), String(path[path.index(after: slash)...]))
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
