import Glibc

/// Who has a lease: a process of a machine, between two starts of the machine.
package struct LeaseHolder: Equatable {
  package let host: String
  /// What the machine is called by its installation; two hosts may have one name.
  package let machine: String
  /// Differs after each start of the machine; empty where the system does not say.
  package let boot: String
  /// The namespace in which the number of the process counts, as of a container.
  package let namespace: String
  package let process: Int32
  /// When the process began, in ticks since the start of the machine: numbers of processes come again.
  package let started: String
  /// Names this lease among all leases.
  package let token: String

  /// A lease of this process.
  package init() {
    var name = [CChar](repeating: 0, count: 256)
    _ = gethostname(&name, name.count - 1)
    host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    machine = Self.line("/etc/machine-id")
    boot = Self.line("/proc/sys/kernel/random/boot_id")
    namespace = Self.link("/proc/self/ns/pid")
    process = getpid()
    started = ProcessState("/proc/self/stat")?.started ?? ""
    token = String(UInt64.random(in: 0...UInt64.max), radix: 36)
  }

  /// The content of a lease file, without its last line.
  package var text: String {
    """
    lir-lease 1
    host \(host)
    machine \(machine)
    boot \(boot)
    namespace \(namespace)
    process \(process)
    started \(started)
    token \(token)

    """
  }

  /// Reads the content of a lease file.
  ///
  /// - Returns: Nil where it is something else, or was not written yet.
  package init?(_ text: String) {
    let lines = text.split(separator: "\n")
    guard lines.first == "lir-lease 1" else { return nil }
    var values: [Substring: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      values[parts[0]] = parts.count > 1 ? String(parts[1]) : ""
    }
    guard let token = values["token"], !token.isEmpty, token.utf8.allSatisfy(Self.isOfToken),
      let process = values["process"].flatMap({ Int32($0) }), process > 0
    else { return nil }
    self.token = token
    self.process = process
    host = values["host"] ?? ""
    machine = values["machine"] ?? ""
    boot = values["boot"] ?? ""
    namespace = values["namespace"] ?? ""
    started = values["started"] ?? ""
  }

  /// A token becomes a part of names of files.
  private static func isOfToken(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// What can be known of a holder from here.
  enum Standing {
    case alive
    case dead
    /// On another machine, or in another container: whether it lives shows by its renewals alone.
    case elsewhere
  }

  /// What this process can know of another one.
  ///
  /// - Parameter here: This process.
  /// - Returns: Whether that one lives.
  func standing(seenFrom here: LeaseHolder) -> Standing {
    guard !boot.isEmpty, !here.boot.isEmpty else { return .elsewhere }
    if boot != here.boot {
      return host == here.host && machine == here.machine ? .dead : .elsewhere
    }
    guard !namespace.isEmpty, namespace == here.namespace else { return .elsewhere }
    return isRunning ? .alive : .dead
  }

  /// Whether the process runs, whose number counts here.
  private var isRunning: Bool {
    if kill(process, 0) != 0, errno == ESRCH { return false }
    // A list of processes may be that of another namespace, or hide those of others.
    guard Self.link("/proc/self") == String(getpid()),
      let state = ProcessState("/proc/\(process)/stat")
    else { return true }
    return !state.hasEnded && (started.isEmpty || state.started == started)
  }

  private static func line(_ path: String) -> String {
    let bytes = (try? WholeFile.read(path, limit: 4096)) ?? []
    return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
  }

  private static func link(_ path: String) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = readlink(path, &buffer, buffer.count)
    return String(decoding: buffer[..<max(count, 0)].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// What the system says of a process.
private struct ProcessState {
  /// Killed, and not yet asked for by its parent.
  let hasEnded: Bool
  package let started: String

  init?(_ path: String) {
    guard let bytes = try? WholeFile.read(path, limit: 4096) else { return nil }
    // The name of the program, in brackets, may have blanks and brackets in it.
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19 else { return nil }
    hasEnded = ["Z", "X", "x"].contains(fields[0])
    started = String(fields[19])
  }
}
