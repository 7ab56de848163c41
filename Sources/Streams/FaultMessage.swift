import Glibc
import Synchronization

/// A message about a fault, put together in a signal handler: without memory of its own, and without
/// anything that another thread may hold.
enum FaultMessage {
  /// What is written in front of the path, as C strings: nil until `prepare`.
  ///
  /// Unsafe in name only: the pointer is atomic, and what it points to is never changed.
  nonisolated(unsafe) private static let opening = Atomic<UnsafeMutablePointer<CChar>?>(nil)
  private static let isJSON = Atomic<Bool>(false)

  private static let capacity = 8192
  /// Unsafe in name only: one thread alone, the first that has a fault, writes a message.
  nonisolated(unsafe) private static let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(
    capacity: capacity)

  /// Makes what `write` needs and may not make itself.
  static func prepare(tool: String, json: Bool) {
    buffer.initialize(repeating: 0)
    let text =
      json ? "{\"tool\":\"\(tool)\",\"level\":\"error\",\"message\":\"" : "\(tool): error: "
    opening.store(strdup(text), ordering: .relaxed)
    isJSON.store(json, ordering: .relaxed)
  }

  /// Writes `TOOL: error: PATH: TEXT` to the standard error, or its JSON.
  ///
  /// Async-signal-safe.
  static func write(path: UnsafePointer<CChar>, _ text: StaticString, status: Int32) {
    var count = 0
    if let opening = opening.load(ordering: .relaxed) { append(opening, &count) }
    append(path, &count, escaped: isJSON.load(ordering: .relaxed))
    append(": ", &count)
    append(text, &count)
    if isJSON.load(ordering: .relaxed) {
      append("\",\"status\":", &count)
      put(UInt8(0x30 + status / 10), &count)
      put(UInt8(0x30 + status % 10), &count)
      append("}", &count)
    }
    append("\n", &count)
    _ = Glibc.write(2, buffer.baseAddress, count)
  }

  private static func put(_ byte: UInt8, _ count: inout Int) {
    guard count < capacity else { return }
    buffer[count] = byte
    count += 1
  }

  private static func append(_ text: StaticString, _ count: inout Int) {
    for i in 0..<text.utf8CodeUnitCount { put(text.utf8Start[i], &count) }
  }

  private static func append(
    _ text: UnsafePointer<CChar>, _ count: inout Int, escaped: Bool = false
  ) {
    var next = text
    // Room for what follows a very long path.
    while next.pointee != 0, count < capacity - 256 {
      let byte = UInt8(bitPattern: next.pointee)
      if escaped, byte == 0x22 || byte == 0x5C { put(0x5C, &count) }
      put(escaped && byte < 0x20 ? 0x3F : byte, &count)
      next += 1
    }
  }
}
