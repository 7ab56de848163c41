import Failures
import JSON
import UnicodeTables

/// SentencePiece's normalization rules, as its models hold them.
///
/// A rule map is the length of a double array in bytes, the array in little-endian words of 32
/// bits, and the replacements, which end with NUL. Source: the Rust crate spm_precompiled 0.1.4 and
/// `normalizers/precompiled.rs` of Hugging Face `tokenizers` 0.22.2, which goes by grapheme
/// clusters: one of fewer than six bytes that starts with a rule's left side is replaced as a
/// whole, by the shortest such rule; others scalar by scalar.
struct PrecompiledCharsmap: Sendable {
  /// The double array of Darts.
  private let units: [UInt32]
  private let replacements: [UInt8]
  /// What ASCII characters become, as clusters of their own.
  private let ascii: [Span]

  /// A part of `replacements`; `start` is -1 where nothing is replaced.
  private struct Span {
    var start: Int32
    var count: Int32

    static let unchanged = Span(start: -1, count: 0)
  }

  /// Clusters of more bytes are never replaced as a whole.
  private static let longestCluster = 5

  /// - Throws: 65 where the bytes are no rule map.
  init(_ bytes: [UInt8], place: String) throws(Failure) {
    guard bytes.count >= 4 else {
      throw .data(place, "expected a precompiled charsmap, found \(bytes.count) bytes")
    }
    func word(_ index: Int) -> UInt32 {
      (0..<4).reduce(0) { $0 | UInt32(bytes[index + $1]) << UInt32(8 * $1) }
    }
    let length = Int(word(0)) / 4
    guard length > 0, 4 * length <= bytes.count - 4 else {
      throw .data(
        place,
        "expected a precompiled charsmap whose array of \(word(0)) bytes fits, "
          + "found \(bytes.count) bytes")
    }
    units = (0..<length).map { word(4 + 4 * $0) }
    let rest = Array(bytes[(4 + 4 * length)...])
    if let bad = rest.withUnsafeBytes({ UTF8Validation.firstInvalid($0) }) {
      throw .data(
        place, "expected UTF-8 in the precompiled charsmap, found byte \(bad) of its text")
    }
    replacements = rest
    if let inside = Self.firstInsideScalar(units, rest) {
      throw .data(
        place,
        "damaged precompiled charsmap: a rule's text starts inside a character, at byte \(inside)")
    }
    var ascii = [Span](repeating: .unchanged, count: 128)
    for byte in UInt8(1)..<128 {
      ascii[Int(byte)] = Self.find([byte], 1, units, rest) ?? .unchanged
    }
    self.ascii = ascii
  }

  /// Where the text of a rule starts inside a character; nil where none does.
  ///
  /// What comes behind takes texts for UTF-8, and the crate panics when it meets such a rule.
  private static func firstInsideScalar(_ units: [UInt32], _ replacements: [UInt8]) -> Int? {
    for (index, unit) in units.enumerated() where unit & 1 << 8 != 0 {
      let leaf = index ^ offset(unit)
      guard leaf < units.count else { continue }
      let start = Int(units[leaf] & 0x7FFF_FFFF)
      if start < replacements.count, replacements[start] & 0xC0 == 0x80 { return start }
    }
    return nil
  }

  /// Where the children of a node are, against its own place.
  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

  /// What the shortest rule that matches the start of `bytes` puts; nil without one.
  private static func find(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ units: [UInt32], _ replacements: [UInt8]
  ) -> Span? {
    var node = offset(units[0])
    for i in 0..<count {
      let byte = bytes[i]
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units[node]
      if unit & (1 << 31 | 0xFF) != UInt32(byte) { return nil }
      node ^= offset(unit)
      if unit & 1 << 8 != 0 {
        guard node < units.count else { return nil }
        let start = Int(units[node] & 0x7FFF_FFFF)
        guard start <= replacements.count else { return nil }
        let end = replacements[start...].firstIndex(of: 0) ?? replacements.count
        return Span(start: Int32(start), count: Int32(end - start))
      }
    }
    return nil
  }

  /// Normalizes valid UTF-8 into `output`, replacing what is there; stops soon after `limit` bytes.
  func normalize(
    _ text: UnsafeRawBufferPointer, into output: GrowableBuffer<UInt8>, atMost limit: Int
  ) {
    output.count = 0
    guard let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    let count = text.count
    output.reserve(count + 64)
    ascii.withUnsafeBufferPointer { ascii in
      var i = 0
      while i < count, output.count <= limit {
        let byte = bytes[i]
        let next = i &+ 1 < count ? bytes[i &+ 1] : 0
        if byte < 0x80, next < 0x80, byte != 0x0D || next != 0x0A {
          let span = ascii[Int(byte)]
          output.reserve(64)
          if span.start < 0 { output.push(byte) } else { append(span, to: output) }
          i &+= 1
        } else {
          i = takeCluster(bytes, i, count, output)
        }
      }
    }
  }

  /// Normalizes the cluster that starts at `start`, and says where it ends.
  private func takeCluster(
    _ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ output: GrowableBuffer<UInt8>
  ) -> Int {
    let end = clusterEnd(bytes, start, count)
    if let span = find(cluster: bytes + start, end - start) {
      append(span, to: output)
      return end
    }
    var i = start
    while i < end {
      let length = UTF8Scalar.decode(bytes + i).length
      if let span = Self.find(bytes + i, length, units, replacements) {
        append(span, to: output)
      } else {
        append(bytes + i, length, to: output)
      }
      i += length
    }
    return end
  }

  private func find(cluster bytes: UnsafePointer<UInt8>, _ count: Int) -> Span? {
    if count > Self.longestCluster { return nil }
    return Self.find(bytes, count, units, replacements)
  }

  /// What is put for a whole cluster; nil where it goes scalar by scalar.
  func replacement(ofCluster bytes: UnsafePointer<UInt8>, _ count: Int) -> ArraySlice<UInt8>? {
    find(cluster: bytes, count).map(text)
  }

  /// What is put for a scalar; nil where it stays.
  func replacement(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> ArraySlice<UInt8>? {
    Self.find(bytes, count, units, replacements).map(text)
  }

  private func text(_ span: Span) -> ArraySlice<UInt8> {
    replacements[Int(span.start)..<Int(span.start + span.count)]
  }

  /// Whether an ASCII character stays as it is.
  func keeps(_ byte: UInt8) -> Bool { ascii[Int(byte)].start < 0 }

  /// Where the grapheme cluster that starts at `start` ends.
  func clusterEnd(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    var breaks = GraphemeBreak()
    var i = start
    while i < count {
      let (scalar, length) = UTF8Scalar.decode(bytes + i)
      if breaks.next(.of(scalar)), i > start { break }
      i += length
    }
    return i
  }

  private func append(_ span: Span, to output: GrowableBuffer<UInt8>) {
    replacements.withUnsafeBufferPointer { replacements in
      guard let base = replacements.baseAddress else { return }
      append(base + Int(span.start), Int(span.count), to: output)
    }
  }

  private func append(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, to output: GrowableBuffer<UInt8>
  ) {
    output.reserve(count + 64)
    (output.pointer + output.count).update(from: bytes, count: count)
    output.count += count
  }
}

/// Base 64 with the standard alphabet and padding (RFC 4648, section 4).
enum Base64 {
  /// The bytes that `text` stands for; nil where it is not base 64.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    if text.count % 4 != 0 { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var held = 0
    var padding = 0
    for character in text {
      if character == UInt8(ascii: "=") {
        padding += 1
        continue
      }
      guard padding == 0, let digit = digit(character) else { return nil }
      bits = bits << 6 | digit
      held += 6
      if held >= 8 {
        held -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
      }
    }
    // Bits that stand for nothing must be zeros.
    guard held == 2 * padding, bits & (1 << UInt32(held) - 1) == 0 else { return nil }
    return result
  }

  private static func digit(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
