import Failures

/// What a compressed text output says of itself, in a skippable zstd frame at its end.
///
/// Content: `LIRE`, u32 version (little-endian), JSON with sorted keys. Foreign tools skip it.
package struct TextTrailer: Sendable, Equatable {
  /// zstd's and lz4's readers skip frames with this magic.
  static let magic: UInt32 = 0x184D_2A5D
  static let version: UInt32 = 1
  static let maximumSize = 1 << 17

  /// XXH3-64 of the uncompressed text, 16 hexadecimal digits.
  package var checksum: String
  /// The JSON text as written: `by`, `records`, `shard` of a part of the input, `xxh3`.
  package var json: String

  package init(checksum: UInt64, records: Int, provenance: String?, shard: String? = nil) {
    self.checksum = Checksum.hex(checksum)
    let by = provenance.map { "\"by\":\($0)," } ?? ""
    let shard = shard.map { "\"shard\":\"\($0)\"," } ?? ""
    json = "{\(by)\"records\":\(records),\(shard)\"xxh3\":\"\(self.checksum)\"}"
  }

  /// Reads the content of a skippable frame; nil if it is somebody else's.
  init?(_ content: [UInt8], name: String) throws(Failure) {
    guard content.count >= 8, content.starts(with: "LIRE".utf8) else { return nil }
    let version =
      UInt32(content[4]) | UInt32(content[5]) << 8 | UInt32(content[6]) << 16
      | UInt32(content[7]) << 24
    guard version == Self.version else {
      throw .config(name, "the trailer has version \(version), this tool knows \(Self.version)")
    }
    json = String(decoding: content[8...], as: UTF8.self)
    // The checksum is the last member of an object with sorted keys and a fixed end.
    let end = Array("\"}".utf8)
    let text = Array(json.utf8)
    let key = Array("\"xxh3\":\"".utf8)
    guard text.count >= key.count + 18, text.suffix(2).elementsEqual(end),
      text.dropLast(18).suffix(key.count).elementsEqual(key)
    else { throw .data(name, "damaged: the trailer holds no checksum") }
    checksum = String(decoding: text.dropLast(2).suffix(16), as: UTF8.self)
  }

  /// The skippable frame's bytes.
  var frame: [UInt8] {
    let size = 8 + json.utf8.count
    var bytes: [UInt8] = []
    for value in [Self.magic, UInt32(size)] { bytes.append(littleEndian: value) }
    bytes.append(contentsOf: "LIRE".utf8)
    bytes.append(littleEndian: Self.version)
    bytes.append(contentsOf: json.utf8)
    return bytes
  }
}

extension [UInt8] {
  /// Appends an integer, least significant byte first.
  package mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
