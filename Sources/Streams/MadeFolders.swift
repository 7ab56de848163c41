import Failures
import Glibc

/// Folders that an output lacks, made for it; they are removed again where the output does not come,
/// and nothing else has come into them.
package final class MadeFolders {
  private var made: [(path: String, token: Signals.Token)] = []

  /// Makes the missing folders above a path, outermost first.
  ///
  /// - Throws: 73 where one cannot be made.
  package init(above path: String) throws(Failure) {
    for folder in PathName.missingFolders(above: path) {
      let token = Signals.register(folder)
      if mkdir(folder, 0o777) == 0 {
        made.append((folder, token))
        continue
      }
      let why = errno
      Signals.forget(token)
      // Another process may have made it meanwhile.
      guard why == EEXIST, WholeFile.isDirectory(folder) else {
        remove()
        throw Failure(.cannotCreate, at: folder, SystemError.text(why))
      }
    }
  }

  deinit { remove() }

  /// Leaves the folders where they are from here on, also after a loss of power.
  package func keep() {
    for (path, _) in made.reversed() { try? PathName.syncFolder(of: path) }
    forget()
  }

  private func forget() {
    for (_, token) in made { Signals.forget(token) }
    made = []
  }

  private func remove() {
    for (path, _) in made.reversed() { rmdir(path) }
    forget()
  }
}
