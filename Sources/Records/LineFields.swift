import Failures

/// The fields of a line, separated by any white space: runs and qrels.
package struct LineFields {
  /// Most fields that are kept; further ones are counted.
  static let capacity = 6

  /// Number of fields.
  package private(set) var count = 0
  private var ranges: InlineArray<6, Range<Int>> = .init(repeating: 0..<0)
  private let line: UnsafeRawBufferPointer

  /// Splits a line.
  package init(_ line: UnsafeRawBufferPointer) {
    self.line = line
    var index = 0
    while true {
      while index < line.count, Bytes.isSpace(line[index]) { index += 1 }
      if index == line.count { break }
      let start = index
      while index < line.count, !Bytes.isSpace(line[index]) { index += 1 }
      if count < Self.capacity { ranges[count] = start..<index }
      count += 1
    }
  }

  /// Whether a line is blank or a comment: its first byte that is no white space is `#`.
  @inline(__always)
  package static func isIgnored(_ line: UnsafeRawBufferPointer) -> Bool {
    for byte in line where !Bytes.isSpace(byte) { return byte == UInt8(ascii: "#") }
    return true
  }

  /// The bytes of a field.
  package subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: line[ranges[index]])
  }

  /// A field for a message.
  package func quoted(_ index: Int) -> String { Bytes.quoted(self[index]) }
}

/// Fields of plain lines: one space or tab between them, and a newline behind the last.
///
/// They are found a word of eight bytes at a time; whoever finds none has to look with more care.
enum PlainFields {
  /// Where the field behind another starts.
  @inline(__always)
  static func behind(_ field: UnsafeRawBufferPointer) -> UnsafeRawPointer {
    // A field is never empty here.
    field.baseAddress.unsafelyUnwrapped + field.count + 1
  }

  /// The field at `start`, up to one space or tab, or to the newline for the last one; nil if it
  /// does not end so, is empty, or comes near the end of the text.
  @inline(__always)
  static func field(
    _ start: UnsafeRawPointer, _ limit: UnsafeRawPointer, isLast: Bool = false
  ) -> UnsafeRawBufferPointer? {
    let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let high = ~low7
    var place = start
    while place <= limit {
      let word = UInt64(littleEndian: place.loadUnaligned(as: UInt64.self))
      // The high bit of a byte is clear where it is at most 0x20: 0x5F more make 0x80 of 0x21.
      let marks = ~(((word & low7) &+ 0x5F5F_5F5F_5F5F_5F5F) | word) & high
      if marks == 0 {
        place += 8
        continue
      }
      place += marks.trailingZeroBitCount / 8
      let byte = place.load(as: UInt8.self)
      let fits = isLast ? byte == 0x0A : byte == 0x20 || byte == 0x09
      if !fits || place == start { return nil }
      return UnsafeRawBufferPointer(start: start, count: place - start)
    }
    return nil
  }
}
