/// How many bytes a text may become: normalizers and pre-tokenizers can put much for little, and a
/// few of them in a row grow without end.
final class TextGrowth {
  /// Compatibility forms make at most eleven bytes of one; twelve steps that each make ten of one
  /// are no tokenizer of anybody's.
  private static let factor = 16
  /// What short texts may become besides: prefixes are put whatever the text's length.
  private static let least = 1 << 16

  private(set) var limit = TextGrowth.least
  /// Whether the text became more.
  private(set) var isExceeded = false

  /// Begins a text.
  func reset(_ count: Int) {
    isExceeded = false
    limit = Self.least + Self.factor * count
  }

  /// Looks at what a step has made.
  @inline(__always)
  func check(_ made: GrowableBuffer<UInt8>) {
    if made.count > limit { isExceeded = true }
  }
}
