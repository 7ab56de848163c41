import Failures
import Glibc
import Streams

/// Writes a text output with the code under test.
func writeText(_ bytes: [UInt8], to path: String) throws -> String {
  let writer = try ByteWriter(path, checksumText: true)
  try writer.write(bytes)
  try writer.finishText(records: 1, provenance: nil)
  return path
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
