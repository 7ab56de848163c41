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
  case raw, zstd, lz4, gzip

  static let zstdMagic: UInt32 = 0xFD2F_B528
  static let lz4Magic: UInt32 = 0x184D_2204

  /// Skippable frames, zstd's and lz4's alike: the low four bits are the writer's to use.
  static func isSkippable(_ magic: UInt32) -> Bool { magic & 0xFFFF_FFF0 == 0x184D_2A50 }

  /// Whether `head` is all there is, and two or three bytes of a frame's magic number.
  static func isCutMagic(_ head: UnsafeRawBufferPointer) -> Bool {
    guard head.count == 2 || head.count == 3 else { return false }
    return [zstdMagic, lz4Magic].contains { magic in
      (0..<head.count).allSatisfy { head[$0] == UInt8(truncatingIfNeeded: magic >> (8 * $0)) }
    }
  }

  /// Whether a compressed frame can begin with this byte.
  static func mayBeMagic(_ byte: UInt8) -> Bool {
    byte == 0x28 || byte == 0x04 || byte == 0x1F || byte & 0xF0 == 0x50
  }

  /// The codec whose frame starts with `head`; nil for a skippable frame, which belongs to none.
  static func detect(_ head: UnsafeRawBufferPointer) -> Codec? {
    if head.count >= 2, head[0] == 0x1F, head[1] == 0x8B { return .gzip }
    guard head.count >= 4 else { return .raw }
    let magic = UInt32(littleEndian: head.loadUnaligned(as: UInt32.self))
    if magic == zstdMagic { return .zstd }
    if magic == lz4Magic { return .lz4 }
    return isSkippable(magic) ? nil : .raw
  }
}
