import Failures
import Glibc

/// What an output's name stands for: the one way in which names of outputs are understood, with and
/// without `--resume`.
package enum OutputPlace: Sendable, Equatable {
  case standardOutput
  /// Something that is written as it stands, and never replaced: a device, a FIFO, or a descriptor
  /// that somebody has open.
  case special(String)
  /// A file that is there, or is to be; behind all links, so that a link stays one and the file behind
  /// it is replaced.
  case file(String)

  /// Finds out what a name stands for, without opening or making anything.
  ///
  /// - Throws: 73 for no name, for a folder, and where no file can be made; 74 where the standard output
  ///   is closed.
  package init(_ name: String) throws(Failure) {
    if name == "-" {
      try StandardStreams.checkOutput()
      self = .standardOutput
      return
    }
    try Self.checkName(name)
    // `/dev/stdout` and its like are links into /proc whose file somebody else has open.
    if PathName.leadsToDescriptor(name) {
      self = .special(name)
      return
    }
    let path = try PathName.behindLinks(name)
    var info = stat()
    if stat(path, &info) == 0 {
      switch info.st_mode & S_IFMT {
      case S_IFREG: self = .file(path)
      case S_IFDIR: throw Failure(.cannotCreate, at: name, "expected a file, found a folder")
      default:
        self = .special(name)
        return
      }
    } else if path.hasSuffix("/") {
      throw Failure(.cannotCreate, at: name, "expected the name of a file, found that of a folder")
    }
    try Self.checkFolder(of: path, for: name)
    self = .file(path)
  }

  /// Checks the name of an output that is a folder.
  ///
  /// - Throws: 73 for no name, and where it cannot be made or there is a file.
  package static func checkFolder(_ name: String) throws(Failure) {
    try checkName(name)
    var path = try PathName.behindLinks(name)
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    var info = stat()
    if stat(path, &info) == 0 {
      guard info.st_mode & S_IFMT == S_IFDIR else {
        throw Failure(.cannotCreate, at: name, "expected a folder, found a file")
      }
      return
    }
    try checkFolder(of: path, for: name)
  }

  private static func checkName(_ name: String) throws(Failure) {
    if name.isEmpty { throw Failure(.cannotCreate, at: "\"\"", "an output needs a name") }
    if name.utf8.contains(0) {
      throw Failure(
        .cannotCreate, at: "\"\(name.split(separator: "\0")[0])…\"", "a name with a NUL")
    }
  }

  /// Checks that files can be made in the folder of a path, or in what is there of it.
  private static func checkFolder(of path: String, for name: String) throws(Failure) {
    var folder = PathName.parent(path)
    while access(folder, F_OK) != 0, errno == ENOENT, folder != ".", folder != "/" {
      folder = PathName.parent(folder)
    }
    var info = stat()
    guard stat(folder, &info) == 0 else { throw SystemError.cannotCreate(name) }
    guard info.st_mode & S_IFMT == S_IFDIR else {
      throw Failure(.cannotCreate, at: name, "\(folder) is no folder")
    }
    guard access(folder, W_OK | X_OK) == 0 else { throw SystemError.cannotCreate(name) }
  }
}
