import Failures
import Glibc
import Streams

/// A folder of a test's own, removed with everything in it when the test lets go of it.
final class Workspace {
  let folder: String

  init() {
    var template = Array("/tmp/lir-streams-XXXXXX\0".utf8CString)
    guard let made = mkdtemp(&template) else { preconditionFailure("mkdtemp") }
    folder = String(cString: made)
  }

  deinit { _ = shell("rm -rf '\(folder)'") }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Everything in the folder, hidden files too.
  var names: [String] {
    guard let listing = opendir(folder) else { return [] }
    defer { closedir(listing) }
    var names: [String] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Puts bytes into a file, past what is being tested.
  func put(_ bytes: [UInt8], _ name: String) -> String {
    let path = path(name)
    guard let file = fopen(path, "w") else { preconditionFailure("cannot write \(path)") }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    return path
  }

  /// Writes a text output with the code under test.
  func write(_ bytes: [UInt8], _ name: String, checksum: Bool = true) throws -> String {
    let writer = try ByteWriter(path(name), checksumText: checksum)
    try writer.write(bytes)
    try writer.finishText(records: 1, provenance: nil)
    return path(name)
  }
}

/// Runs a command; its exit status.
func shell(_ command: String) -> Int32 {
  let status = system(command)
  return status >> 8 & 0xFF
}

func hasCommand(_ name: String) -> Bool { shell("command -v \(name) >/dev/null 2>&1") == 0 }

/// All decompressed bytes of a file, by reads of a given size.
func readAll(_ path: String, step: Int = 1 << 16) throws -> [UInt8] {
  let reader = try ByteReader(path)
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: step)
  while true {
    let count = try buffer.withUnsafeMutableBufferPointer { part throws(Failure) in
      try reader.read(into: UnsafeMutableRawBufferPointer(part))
    }
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}

/// The status of the failure of reading a file; nil if it can be read.
func refusal(_ path: String) -> Failure? {
  do {
    _ = try readAll(path)
    return nil
  } catch { return error as? Failure }
}

/// Text that compresses somewhat.
func sample(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return (0..<count).map { i in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return i % 17 == 16 ? 0x0A : UInt8(ascii: "a") + UInt8(state >> 33 & 7)
  }
}
