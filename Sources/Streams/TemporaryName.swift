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
