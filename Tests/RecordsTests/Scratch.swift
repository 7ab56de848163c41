import Glibc
import Synchronization

/// Temporary files that are removed when the process ends.
enum Scratch {
  private static let paths = Mutex<[String]>([])

  /// Path of a new file with this text.
  static func file(_ text: String, suffix: String = "") -> String {
    file(Array(text.utf8), suffix: suffix)
  }

  /// Path of a new file with these bytes.
  static func file(_ bytes: [UInt8], suffix: String = "") -> String {
    let name = "/tmp/lir-records-\(getpid())-\(UInt64.random(in: 0...UInt64.max))\(suffix)"
    guard let file = fopen(name, "w") else { preconditionFailure("cannot write \(name)") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    paths.withLock { paths in
      if paths.isEmpty { atexit { Scratch.removeAll() } }
      paths.append(name)
    }
    return name
  }

  private static func removeAll() {
    paths.withLock { for path in $0 { unlink(path) } }
  }
}
