import Glibc

/// Names of what is not yet finished.
package enum TemporaryName {
  /// `.NAME.tmp.HOST.PID.RANDOM` in the folder of `target`.
  package static func beside(_ target: String) -> String {
    let (folder, name) = PathName.split(target)
    let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    return "\(folder).\(name).tmp.\(host).\(getpid()).\(random)"
  }

  private static var host: String {
    var host = [CChar](repeating: 0, count: 256)
    _ = gethostname(&host, host.count - 1)
    return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Whether a folder has a name that `beside` gave, and nobody works in it any more.
  ///
  /// Whoever makes one takes its lease at once, and gives it back when it is to get its own name.
  package static func isAbandoned(_ entry: String, in folder: String, for name: String) -> Bool {
    guard entry.hasPrefix(".\(name).tmp.") else { return false }
    let path = folder + entry
    var info = stat()
    guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return false }
    switch Lease.standing(of: path) {
    case .held: return false
    case .left: return true
    case .none: return isLeft(entry, for: name) || Lease.isOld(path)
    }
  }

  /// Whether a name in a folder is one that `beside` gave for `name` in a process of this host that
  /// is no more.
  package static func isLeft(_ entry: String, for name: String) -> Bool {
    let start = ".\(name).tmp.\(host)."
    guard entry.hasPrefix(start) else { return false }
    let parts = entry.dropFirst(start.count).split(separator: ".")
    guard parts.count == 2, let process = pid_t(parts[0]), process > 0 else { return false }
    return kill(process, 0) != 0 && errno == ESRCH
  }
}
