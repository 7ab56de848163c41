import Failures

/// How the bytes of a stream are compressed.
package enum Compression: Sendable, Equatable {
  case none
  case zstd(level: Int32)
  case lz4(level: Int32)

  package static let defaultZstdLevel: Int32 = 3
  package static let defaultLz4Level: Int32 = 0

  /// What a file's name asks for: `.zst`, `.lz4`, else none.
  package init(suffixOf path: String) {
    if path.hasSuffix(".zst") {
      self = .zstd(level: Self.defaultZstdLevel)
    } else if path.hasSuffix(".lz4") {
      self = .lz4(level: Self.defaultLz4Level)
    } else {
      self = .none
    }
  }

  /// Parses `zstd|lz4|none[:LEVEL]`; nil if it is neither.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    var level: Int32?
    if parts.count == 2 {
      guard let number = Int32(parts[1]) else { return nil }
      level = number
    }
    switch parts.first {
    case "zstd":
      let level = level ?? Self.defaultZstdLevel
      guard (1...19).contains(level) else { return nil }
      self = .zstd(level: level)
    case "lz4":
      let level = level ?? Self.defaultLz4Level
      guard (0...12).contains(level) else { return nil }
      self = .lz4(level: level)
    case "none" where level == nil: self = .none
    default: return nil
    }
  }
}

/// What the first bytes of an input say it is.
package enum Codec: Sendable, Equatable {
  case raw, zstd, lz4, gzip, bzip2, xz

  /// What a compressed file of each begins with.
  private static let magics: [(codec: Codec, bytes: [UInt8])] = [
    (.zstd, [0x28, 0xB5, 0x2F, 0xFD]), (.lz4, [0x04, 0x22, 0x4D, 0x18]), (.gzip, [0x1F, 0x8B]),
    (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
  ]
  /// Behind `BZh` and a digit: the first block, or the end of an empty text.
  private static let bzip2Marks: [[UInt8]] = [
    [0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
  ]
  private static let bzip2Start = Array("BZh".utf8)
  /// Skippable frames, zstd's and lz4's alike, behind a first byte whose low four bits are free.
  private static let skippableRest: [UInt8] = [0x2A, 0x4D, 0x18]

  /// Whether a name is one of a compressed file.
  static func isNamedCompressed(_ name: String) -> Bool {
    [".zst", ".lz4", ".gz", ".bz2", ".xz"].contains { name.hasSuffix($0) }
  }

  /// Whether `head` may grow into the beginning of a compressed file: more of it has to be seen.
  static func mayBeMagic(_ head: UnsafeRawBufferPointer) -> Bool {
    guard let first = head.first else { return true }
    func fits(_ magic: [UInt8]) -> Bool { head.count < magic.count && magic.starts(with: head) }
    if magics.contains(where: { fits($0.bytes) }) { return true }
    if first & 0xF0 == 0x50, head.count < 4 { return skippableRest.starts(with: head.dropFirst()) }
    if head.count < 3 { return bzip2Start.starts(with: head) }
    guard head.starts(with: bzip2Start), head.count < 10 else { return false }
    return head.count == 3
      || bzip2Marks.contains { $0.starts(with: head.dropFirst(4)) }
  }

  /// Whether `head` is all there is, and cut in the magic number of a compressed file, or damaged
  /// there.
  ///
  /// One byte of three or more may be wrong: text never looks so.
  static func isLostMagic(_ head: UnsafeRawBufferPointer) -> Bool {
    // zlib's method behind gzip's two bytes.
    let whole = magics.map { $0.codec == .gzip ? $0.bytes + [0x08] : $0.bytes }
    return whole.contains { magic in
      if head.count < magic.count {
        return head.count >= 2 && magic.starts(with: head)
      }
      return zip(magic, head).count { $0 != $1 } <= 1
    }
  }

  /// The codec whose frame starts with `head`; nil for a skippable frame, which belongs to none.
  static func detect(_ head: UnsafeRawBufferPointer) -> Codec? {
    if let known = magics.first(where: { head.starts(with: $0.bytes) }) { return known.codec }
    guard head.count >= 4 else { return .raw }
    if head.starts(with: bzip2Start), head.count >= 10,
      bzip2Marks.contains(where: { head.dropFirst(4).starts(with: $0) })
    {
      return .bzip2
    }
    return head[0] & 0xF0 == 0x50 && head[1..<4].elementsEqual(skippableRest) ? nil : .raw
  }
}
