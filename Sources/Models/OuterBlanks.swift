import Tensors
import Tokenizers

/// Blanks at the ends of a text: what `str.strip` of Python leaves out, and with it the filter `trim` of
/// chat templates.
package enum OuterBlanks {
  /// The bytes between them, of valid UTF-8.
  package static func inside(_ text: UnsafeRawBufferPointer) -> Range<Int> {
    var (start, end) = (0, text.count)
    while start < end, let count = longest({ $0 <= end - start ? text[start..<start + $0] : nil }) {
      start += count
    }
    while start < end, let count = longest({ $0 <= end - start ? text[end - $0..<end] : nil }) {
      end -= count
    }
    return start..<end
  }

  package static func removed(from text: [UInt8]) -> [UInt8] {
    text.withUnsafeBytes { bytes in Array(bytes[inside(bytes)]) }
  }

  /// Bytes of the blank that one of the slices of one to three bytes is.
  private static func longest(_ slice: (Int) -> Slice<UnsafeRawBufferPointer>?) -> Int? {
    (1...3).first { count in slice(count).map(isBlank) ?? false }
  }

  /// Whether bytes are one scalar for which Python's `str.isspace` holds.
  private static func isBlank(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
    switch Array(bytes) {
    case let one where one.count == 1: 0x09...0x0D ~= one[0] || 0x1C...0x20 ~= one[0]
    // U+0085, U+00A0
    case [0xC2, 0x85], [0xC2, 0xA0]: true
    // U+1680, U+205F, U+3000
    case [0xE1, 0x9A, 0x80], [0xE2, 0x81, 0x9F], [0xE3, 0x80, 0x80]: true
    // U+2000 to U+200A, U+2028, U+2029, U+202F
    case let three where three.count == 3 && three[0] == 0xE2 && three[1] == 0x80:
      0x80...0x8A ~= three[2] || [0xA8, 0xA9, 0xAF].contains(three[2])
    default: false
    }
  }
}
