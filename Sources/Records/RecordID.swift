import Glibc

/// A document's or a query's id: bytes without white space or NUL.
///
/// Ids are equal where their bytes are, and are ordered bytewise. `String` does neither: it takes
/// canonically equivalent texts for one.
package struct RecordID: Hashable, Sendable {
  /// The bytes, as they were read.
  package let bytes: [UInt8]

  /// An id of these bytes.
  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// An id with a copy of these bytes.
  package init(_ buffer: UnsafeRawBufferPointer) { bytes = Array(buffer) }

  /// An id of the UTF-8 of `text`.
  package init(_ text: String) { bytes = Array(text.utf8) }

  /// Why `id` cannot be one; nil if it can.
  package static func problem(
    with id: some Collection<UInt8>
  ) -> (expected: String, found: String)? {
    if id.isEmpty { return ("an id", "an empty one") }
    guard let bad = id.first(where: Bytes.isForbiddenInID) else { return nil }
    let what = bad == 0 ? "a NUL" : "white space"
    return ("an id without white space or NUL", "\(what) in \(Bytes.quoted(id))")
  }
}

extension RecordID: Comparable {
  /// Whether `left` comes first bytewise.
  package static func < (left: RecordID, right: RecordID) -> Bool {
    left.bytes.withUnsafeBytes { l in right.bytes.withUnsafeBytes { r in ByteOrder.precedes(l, r) }
    }
  }
}

extension RecordID: CustomStringConvertible, ExpressibleByStringLiteral {
  /// The id as text; what is not UTF-8 is repaired.
  package var description: String { String(decoding: bytes, as: UTF8.self) }

  /// An id of the UTF-8 of a literal.
  package init(stringLiteral value: String) { self.init(value) }
}

/// The order of byte strings.
package enum ByteOrder {
  /// Negative, zero or positive as `left` comes before, equals or comes after `right`.
  @inline(__always)
  package static func compare(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Int {
    let common = min(left.count, right.count)
    if common > 0, let l = left.baseAddress, let r = right.baseAddress {
      let order = memcmp(l, r, common)
      if order != 0 { return Int(order) }
    }
    return left.count - right.count
  }

  /// Whether `left` comes before `right`.
  @inline(__always)
  package static func precedes(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    compare(left, right) < 0
  }
}

/// Classes of bytes and their picture in messages.
enum Bytes {
  static let tab: UInt8 = 0x09
  static let newline: UInt8 = 0x0A
  static let space: UInt8 = 0x20

  /// C's `isspace`: what separates the fields of runs and qrels.
  @inline(__always)
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 0x09 < 5 }

  /// What no id may hold: white space and NUL.
  @inline(__always)
  static func isForbiddenInID(_ byte: UInt8) -> Bool {
    byte <= 0x20 && (isSpace(byte) || byte == 0)
  }

  /// `bytes` in quotes for a message: shortened, with escapes for what does not print.
  static func quoted(_ bytes: some Sequence<UInt8>, limit: Int = 40) -> String {
    var head: [UInt8] = []
    var isCut = false
    for byte in bytes {
      if head.count == limit { isCut = true; break }
      head.append(byte)
    }
    var text = "\""
    for scalar in String(decoding: head, as: UTF8.self).unicodeScalars {
      text += scalar == "\"" ? "\\\"" : scalar.escaped(asASCII: false)
    }
    return text + (isCut ? "…\"" : "\"")
  }
}
