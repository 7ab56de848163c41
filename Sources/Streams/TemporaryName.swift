import CSystem
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
  /// Whoever makes one locks it at once. A lock is believed where it says that somebody is there; that
  /// nobody is there it says of processes of this machine alone, and only some time after the folder
  /// was made.
  package static func isAbandoned(_ entry: String, in folder: String, for name: String) -> Bool {
    guard entry.hasPrefix(".\(name).tmp.") else { return false }
    let path = folder + entry
    var info = stat()
    guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return false }
    switch FolderLock.isHeld(path) {
    case true?: return false
    case nil: return isLeft(entry, for: name)
    case false?:
      if isLeft(entry, for: name) { return true }
      return info.st_mtim.tv_sec < time(nil) - settling && isLocal(folder)
    }
  }

  /// Seconds within which a folder that was made is locked.
  private static let settling = 60

  /// Whether a folder is on a file system of this machine alone.
  private static func isLocal(_ folder: String) -> Bool {
    var info = statfs()
    guard statfs(folder.isEmpty ? "." : folder, &info) == 0 else { return false }
    // Ext, XFS, Btrfs, tmpfs, ramfs, overlays, ZFS, F2FS, JFS, ReiserFS, bcachefs.
    return [
      0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x8584_58F6, 0x794C_7630, 0x2FC1_2FC1,
      0xF2F5_2010, 0x3153_464A, 0x5265_4973, 0xCA45_1A4E,
    ].contains(Int(info.f_type) & 0xFFFF_FFFF)
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
