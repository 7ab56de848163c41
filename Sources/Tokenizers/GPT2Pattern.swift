import UnicodeTables

/// What the patterns of byte-level tokenizers tell apart.
enum PatternClass: UInt8 {
  case other, letter, number, space

  /// The class and length of the scalar at `bytes`.
  @inline(__always)
  static func of(_ bytes: UnsafePointer<UInt8>) -> (PatternClass, Int) {
    let byte = bytes[0]
    if byte < 0x80 {
      if (byte | 0x20) &- 0x61 < 26 { return (.letter, 1) }
      if byte &- 0x30 < 10 { return (.number, 1) }
      return (byte == 0x20 || byte &- 9 < 5 ? .space : .other, 1)
    }
    let (scalar, length) = UTF8Scalar.decode(bytes)
    return (ofWide(scalar), length)
  }

  private static func ofWide(_ scalar: UInt32) -> PatternClass {
    let category = GeneralCategory.of(scalar)
    if GeneralCategory.letters.contains(category) { return .letter }
    if GeneralCategory.numbers.contains(category) { return .number }
    return ScalarProperties.of(scalar).contains(.whiteSpace) ? .space : .other
  }

  /// Where the run of `self` that goes on at `start` ends.
  @inline(__always)
  func end(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    var i = start
    while i < count {
      let (found, length) = Self.of(bytes + i)
      if found != self { break }
      i &+= length
    }
    return i
  }
}

/// A pattern that matches everywhere, so that its matches are the words.
protocol WordPattern {
  /// Where the match that starts at `start` ends.
  func end(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int
}

extension WordPattern {
  /// Calls `word` with each word of valid UTF-8.
  @inline(__always)
  func split(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, _ word: (UnsafePointer<UInt8>, Int) -> Void
  ) {
    var i = 0
    while i < count {
      let end = self.end(bytes, i, count)
      word(bytes + i, end &- i)
      i = end
    }
  }
}

/// The pattern of GPT-2, by hand:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
struct GPT2Pattern: WordPattern {
  static let source =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  @inline(__always)
  func end(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    if bytes[start] == 0x27 {
      let length = Self.contraction(bytes + start, count &- start)
      if length > 0 { return start &+ length }
    }
    let (first, length) = PatternClass.of(bytes + start)
    if first != .space { return first.end(bytes, start &+ length, count) }
    if bytes[start] == 0x20, start &+ 1 < count {
      let (next, length) = PatternClass.of(bytes + (start &+ 1))
      if next != .space { return next.end(bytes, start &+ 1 &+ length, count) }
    }
    return Self.spaceEnd(bytes, start, count, length)
  }

  /// The length of a contraction after `'`, that included; 0 for none.
  @inline(__always)
  private static func contraction(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    if count < 2 { return 0 }
    switch bytes[1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return count > 2 && bytes[2] == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"): return count > 2 && bytes[2] == UInt8(ascii: "l") ? 3 : 0
    default: return 0
    }
  }

  /// `\s+(?!\S)|\s+`: the white space from `start` on without its last scalar, unless the text ends
  /// with it or it is that scalar.
  static func spaceEnd(
    _ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ firstLength: Int
  ) -> Int {
    let end = PatternClass.space.end(bytes, start &+ firstLength, count)
    if end == count || end == start &+ firstLength { return end }
    return end &- UTF8Scalar.decode(before: bytes + end).length
  }
}

/// The patterns of cl100k and its kin, by hand:
/// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,n}| ?[^\s\p{L}\p{N}]+[\r\n]*|`
/// `\s*[\r\n]+|\s+(?!\S)|\s+`, n being 1 (Qwen) or 3 (cl100k, Llama 3).
struct CL100KPattern: WordPattern {
  let mostDigits: Int

  /// The pattern whose source this is, nil for others.
  init?(source: String) {
    let head = #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"#
    let tail = #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    if source == head + #"\p{N}"# + tail {
      mostDigits = 1
    } else if source == head + #"\p{N}{1,3}"# + tail {
      mostDigits = 3
    } else {
      return nil
    }
  }

  @inline(__always)
  func end(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    let byte = bytes[start]
    if byte == 0x27 {
      let length = Self.contraction(bytes + start, count &- start)
      if length > 0 { return start &+ length }
    }
    let (first, length) = PatternClass.of(bytes + start)
    let second = start &+ length
    if first == .letter { return first.end(bytes, second, count) }
    if first == .number {
      var end = second
      for _ in 1..<mostDigits where end < count {
        let (next, length) = PatternClass.of(bytes + end)
        if next != .number { break }
        end &+= length
      }
      return end
    }
    let next: (kind: PatternClass, length: Int) =
      second < count ? PatternClass.of(bytes + second) : (.space, 0)
    if next.kind == .letter, byte != 0x0A, byte != 0x0D {
      return PatternClass.letter.end(bytes, second, count)
    }
    if first == .other || byte == 0x20 && next.kind == .other {
      var end = PatternClass.other.end(bytes, second, count)
      while end < count, bytes[end] == 0x0A || bytes[end] == 0x0D { end &+= 1 }
      return end
    }
    return Self.spaceEnd(bytes, start, count, length)
  }

  /// White space: as far as its last line end, or else as GPT-2 has it.
  private static func spaceEnd(
    _ bytes: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ firstLength: Int
  ) -> Int {
    var end = PatternClass.space.end(bytes, start, count)
    while end > start {
      if bytes[end &- 1] == 0x0A || bytes[end &- 1] == 0x0D { return end }
      end &-= 1
    }
    return GPT2Pattern.spaceEnd(bytes, start, count, firstLength)
  }

  /// The length of a contraction in any case after `'`, that included; 0 for none.
  ///
  /// U+017F is a small s.
  private static func contraction(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    if count < 2 { return 0 }
    switch bytes[1] | 0x20 {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return bytes[1] & 0x40 != 0 ? 2 : 0
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return count > 2 && bytes[2] | 0x20 == UInt8(ascii: "e") ? 3 : 0
    case UInt8(ascii: "l"): return count > 2 && bytes[2] | 0x20 == UInt8(ascii: "l") ? 3 : 0
    default: return count > 2 && bytes[1] == 0xC5 && bytes[2] == 0xBF ? 3 : 0
    }
  }
}
