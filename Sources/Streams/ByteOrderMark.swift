/// The bytes in front of a text that some programs write to say that it is UTF-8; no part of the text.
package enum ByteOrderMark {
  package static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// A text without its byte order mark.
  package static func removed(from bytes: [UInt8]) -> [UInt8] {
    bytes.starts(with: Self.bytes) ? Array(bytes.dropFirst(3)) : bytes
  }
}
