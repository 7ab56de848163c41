import Failures
import Glibc

/// The names in a folder.
package enum FolderListing {
  /// Names in `path`, unsorted, without `.` and `..`; none if it is a file.
  package static func names(_ path: String) throws(Failure) -> [String] {
    guard WholeFile.isDirectory(path) else { return [] }
    guard let folder = opendir(path) else {
      throw Failure(.noInput, at: path, SystemError.text(errno))
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
