import Glibc

/// Names of what is not yet finished.
package enum TemporaryName {
  /// `.NAME.tmp.HOST.PID.RANDOM` in the folder of `target`.
  package static func beside(_ target: String) -> String {
    let (folder, name) = PathName.split(target)
    var host = [CChar](repeating: 0, count: 256)
    _ = gethostname(&host, host.count - 1)
    let hostName = String(
      decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    return "\(folder).\(name).tmp.\(hostName).\(getpid()).\(random)"
  }
}
