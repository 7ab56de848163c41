/// The text of a regular expression, as it is given to the library: without what its versions and its
/// own tables of Unicode have differently.
///
/// - `\X`, `\y` and `\Y` cut texts by the library's tables: refused.
/// - Inside a class, versions differ in what begins with `[:` and is no POSIX bracket: refused.
/// - `\p{Word}` outside classes is `\w` in some versions only: written so for all.
struct RegexSource {
  /// What the library gets.
  private(set) var bytes: [UInt8] = []

  /// Bytes of the longest pattern, twenty times that of any known tokenizer.
  private static let longest = 65_536

  private static let brackets: Set = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
  ]

  private let source: [UInt8]
  private var position = 0
  /// Classes that are open.
  private var depth = 0

  init(_ pattern: String) throws(RegexError) {
    source = Array(pattern.utf8)
    guard source.count <= Self.longest else {
      throw RegexError(reason: "a pattern of more than \(Self.longest) bytes")
    }
    while position < source.count {
      switch source[position] {
      case UInt8(ascii: "\\"): try takeEscape()
      case UInt8(ascii: "["): try takeBracket()
      case UInt8(ascii: "]"):
        depth = max(0, depth - 1)
        take(1)
      default: take(1)
      }
    }
  }

  private mutating func take(_ count: Int) {
    bytes += source[position..<min(source.count, position + count)]
    position += count
  }

  private mutating func takeEscape() throws(RegexError) {
    let name = position + 1 < source.count ? source[position + 1] : 0
    switch name {
    case UInt8(ascii: "X"), UInt8(ascii: "y"), UInt8(ascii: "Y"):
      throw RegexError(
        reason: "the text segments of \\\(Character(Unicode.Scalar(name))) are not supported")
    case UInt8(ascii: "p") where depth == 0, UInt8(ascii: "P") where depth == 0:
      if takeWord(isNegated: name == UInt8(ascii: "P")) { return }
    default: break
    }
    take(2)
  }

  /// Writes `\w` or `\W` for the property of words; says no for other properties.
  private mutating func takeWord(isNegated: Bool) -> Bool {
    guard position + 2 < source.count, source[position + 2] == UInt8(ascii: "{"),
      let end = source[position...].firstIndex(of: UInt8(ascii: "}"))
    else { return false }
    var name = source[(position + 3)..<end].filter { ![0x20, 0x2D, 0x5F].contains($0) }
    let isInverted = name.first == UInt8(ascii: "^")
    if isInverted { name.removeFirst() }
    guard String(decoding: name, as: UTF8.self).lowercased() == "word" else { return false }
    bytes += Array((isNegated != isInverted ? "\\W" : "\\w").utf8)
    position = end + 1
    return true
  }

  private mutating func takeBracket() throws(RegexError) {
    let rest = source[(position + 1)...]
    if depth > 0, rest.first == UInt8(ascii: ":") {
      let name = rest.dropFirst().prefix { $0 != UInt8(ascii: ":") }
      let known = String(decoding: name.drop { $0 == UInt8(ascii: "^") }, as: UTF8.self)
      guard Self.brackets.contains(known),
        source[name.endIndex...].starts(with: ":]".utf8)
      else { throw RegexError(reason: "a class with [: that is no POSIX bracket is not supported") }
      return take(name.count + 4)
    }
    depth += 1
    take(1)
    if position < source.count, source[position] == UInt8(ascii: "^") { take(1) }
    // A bracket that comes first stands for itself.
    if position < source.count, source[position] == UInt8(ascii: "]") { take(1) }
  }
}
