import Failures
import Glibc

/// The bytes in front of a text that some programs write to say that it is UTF-8; no part of the text.
package enum ByteOrderMark {
  package static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// A text without its byte order mark.
  package static func removed(from bytes: [UInt8]) -> [UInt8] {
    bytes.starts(with: Self.bytes) ? Array(bytes.dropFirst(3)) : bytes
  }

  /// Refuses a mark in front of one of some lines, where it would be part of an id.
  ///
  /// Files that begin with one and were joined have it there.
  ///
  /// - Parameters:
  ///   - lines: Whole lines.
  ///   - file: Whose they are.
  ///   - firstLine: The number of the first one.
  /// - Throws: 65 for the first mark.
  package static func refuse(
    in lines: UnsafeRawBufferPointer, file: String, firstLine: Int
  ) throws(Failure) {
    guard let base = lines.baseAddress else { return }
    var start = 0
    while let found = memchr(base + start, Int32(bytes[0]), lines.count - start) {
      let place = UnsafeRawPointer(found) - base
      start = place + 1
      guard place == 0 || lines[place - 1] == 0x0A, lines.count - place >= bytes.count,
        lines[place + 1] == bytes[1], lines[place + 2] == bytes[2]
      else { continue }
      throw .data(
        "\(file):\(firstLine + lines[..<place].count { $0 == 0x0A })",
        "expected a line, found a byte order mark in front of it",
        hint: "files that begin with one were joined: name them one by one, or take the marks out")
    }
  }
}
