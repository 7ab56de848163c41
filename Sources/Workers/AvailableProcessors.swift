import Glibc

/// How many processors this process may use.
package enum AvailableProcessors {
  /// Processors in the affinity mask, which job managers and `taskset` set; at least 1.
  package static var count: Int {
    if let mask = status("Cpus_allowed:") {
      let count = mask.reduce(0) { $0 + (Int(String($1), radix: 16)?.nonzeroBitCount ?? 0) }
      if count > 0 { return count }
    }
    return max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  /// A field of `/proc/self/status`, where Linux shows the mask without glibc's GNU interface.
  private static func status(_ field: String) -> Substring? {
    guard let file = fopen("/proc/self/status", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let count = fread(&bytes, 1, bytes.count, file)
    let text = String(decoding: bytes[..<count], as: UTF8.self)
    for line in text.split(separator: "\n") where line.hasPrefix(field) {
      return line.split(separator: "\t").last
    }
    return nil
  }
}
