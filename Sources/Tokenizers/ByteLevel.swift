/// Texts as bytes, each of which a visible character stands for.
///
/// Source: `pre_tokenizers/byte_level.rs` of Hugging Face `tokenizers` 0.22.2, and `encoder.py` of
/// GPT-2.
struct ByteLevel: Sendable, Equatable {
  /// Whether a space is put before pieces that start with none.
  var addPrefixSpace: Bool
  /// Whether pieces are split as GPT-2 does.
  var usesRegex: Bool
  /// Whether words are given as the characters that stand for their bytes; a model that reads the
  /// bytes themselves is spared them.
  var writesCharacters = true

  /// Calls `word` with each word of valid UTF-8; `buffer` is where they lie until the next call.
  @inline(__always)
  func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int,
    _ buffers: (GrowableBuffer<UInt8>, GrowableBuffer<UInt8>),
    _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    if count == 0 { return }
    var (bytes, count) = (bytes, count)
    if addPrefixSpace, bytes[0] != 0x20 {
      let buffer = buffers.0
      buffer.count = 0
      buffer.reserve(count &+ 1 &+ TokenTable.slack)
      buffer.pointer[0] = 0x20
      (buffer.pointer + 1).update(from: bytes, count: count)
      bytes = UnsafePointer(buffer.pointer)
      count &+= 1
    }
    if !writesCharacters {
      if usesRegex { return GPT2Pattern().split(bytes, count, word) }
      return word(bytes, count)
    }
    func written(_ piece: UnsafePointer<UInt8>, _ length: Int) {
      ByteCharacters.write(piece, length, into: buffers.1)
      word(UnsafePointer(buffers.1.pointer), buffers.1.count)
    }
    if usesRegex { GPT2Pattern().split(bytes, count, written) } else { written(bytes, count) }
  }
}

/// The characters that stand for bytes: themselves where they are visible, or from U+0100 on.
enum ByteCharacters {
  /// The scalar of each byte.
  static let scalars: [UInt16] = {
    var table = [UInt16](repeating: 0, count: 256)
    var next: UInt16 = 256
    for byte in 0..<256 {
      let isVisible = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      table[byte] = isVisible ? UInt16(byte) : next
      if !isVisible { next += 1 }
    }
    return table
  }()

  /// The byte of each scalar below 324, -1 for those that stand for none.
  private static let bytes: [Int16] = {
    var table = [Int16](repeating: -1, count: 324)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
    return table
  }()

  /// The UTF-8 bytes of the character that stands for `byte`.
  static func of(_ byte: UInt8) -> [UInt8] {
    Array(String(Unicode.Scalar(scalars[Int(byte)]).map { Character($0) } ?? " ").utf8)
  }

  /// Replaces what is in `output` by the characters of bytes.
  static func write(
    _ text: UnsafePointer<UInt8>, _ count: Int, into output: GrowableBuffer<UInt8>
  ) {
    output.count = 0
    output.reserve(2 &* count &+ TokenTable.slack)
    scalars.withUnsafeBufferPointer { scalars in
      for i in 0..<count {
        output.count &+= UTF8Scalar.encode(
          UInt32(scalars[Int(text[i])]), output.pointer + output.count)
      }
    }
  }

  /// The bytes that a token stands for; nil where it has other characters.
  static func read(_ token: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(token.count)
    let isRead = token.withUnsafeBufferPointer { token in
      guard let base = token.baseAddress else { return true }
      var i = 0
      while i < token.count {
        let (scalar, length) = UTF8Scalar.decode(base + i)
        guard scalar < 324, bytes[Int(scalar)] >= 0 else { return false }
        result.append(UInt8(bytes[Int(scalar)]))
        i += length
      }
      return true
    }
    return isRead ? result : nil
  }
}
