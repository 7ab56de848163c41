/// A strict parser of RFC 8259 JSON over bytes that somebody else owns.
///
/// It refuses what the RFC leaves open and what hides mistakes: duplicate keys, lone surrogates,
/// invalid UTF-8, NaN, trailing text, nesting deeper than `maximumDepth`.
package struct JSONParser {
  package static let maximumDepth = 256

  let bytes: UnsafeRawBufferPointer
  package private(set) var position = 0

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Parses the whole of `bytes` as one value.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSON {
    var parser = JSONParser(bytes)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    if parser.position < bytes.count { throw parser.error("the end of the text") }
    return value
  }

  package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
    try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
      try parse(UnsafeRawBufferPointer(bytes))
    }
  }

  package static func parse(_ text: String) throws(JSONError) -> JSON {
    try parse(Array(text.utf8))
  }

  // MARK: Pull interface, for readers of many small objects

  /// Visits the members of the object that starts here; `visit` must consume each value.
  package mutating func object<E: Error>(
    _ visit: (inout JSONParser, String) throws(E) -> Void,
    wrap: (JSONError) -> E
  ) throws(E) {
    do throws(JSONError) { try expect(UInt8(ascii: "{"), "an object") } catch { throw wrap(error) }
    skipSpace()
    if peek() == UInt8(ascii: "}") { position += 1; return }
    while true {
      let key: String
      do throws(JSONError) {
        skipSpace()
        key = try string()
        try expect(UInt8(ascii: ":"), "':'")
        skipSpace()
      } catch { throw wrap(error) }
      try visit(&self, key)
      skipSpace()
      if peek() == UInt8(ascii: ",") { position += 1; continue }
      do throws(JSONError) { try expect(UInt8(ascii: "}"), "',' or '}'") } catch {
        throw wrap(error)
      }
      return
    }
  }

  /// Visits the members of the object that starts here, with the bytes of the keys, which are valid
  /// only during the call; `visit` must consume each value.
  package mutating func objectOfBytes<E: Error>(
    _ visit: (inout JSONParser, UnsafeRawBufferPointer) throws(E) -> Void,
    wrap: (JSONError) -> E
  ) throws(E) {
    var scratch: [UInt8] = []
    do throws(JSONError) { try expect(UInt8(ascii: "{"), "an object") } catch { throw wrap(error) }
    skipSpace()
    if peek() == UInt8(ascii: "}") { position += 1; return }
    while true {
      let range: Range<Int>?
      do throws(JSONError) {
        scratch.removeAll(keepingCapacity: true)
        range = try string(into: &scratch)
        try expect(UInt8(ascii: ":"), "':'")
      } catch { throw wrap(error) }
      if let range {
        try visit(&self, UnsafeRawBufferPointer(rebasing: bytes[range]))
      } else {
        try scratch.withUnsafeBufferPointer { key throws(E) in
          try visit(&self, UnsafeRawBufferPointer(key))
        }
      }
      skipSpace()
      if peek() == UInt8(ascii: ",") { position += 1; continue }
      do throws(JSONError) { try expect(UInt8(ascii: "}"), "',' or '}'") } catch {
        throw wrap(error)
      }
      return
    }
  }

  /// Visits the elements of the array that starts here; `visit` must consume each.
  package mutating func array<E: Error>(
    _ visit: (inout JSONParser) throws(E) -> Void, wrap: (JSONError) -> E
  ) throws(E) {
    do throws(JSONError) { try expect(UInt8(ascii: "["), "an array") } catch { throw wrap(error) }
    skipSpace()
    if peek() == UInt8(ascii: "]") { position += 1; return }
    while true {
      try visit(&self)
      skipSpace()
      if peek() == UInt8(ascii: ",") { position += 1; continue }
      do throws(JSONError) { try expect(UInt8(ascii: "]"), "',' or ']'") } catch {
        throw wrap(error)
      }
      return
    }
  }

  /// The bytes at `range`.
  package func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[range])
  }

  /// Whether an object starts here.
  package mutating func isAtObject() -> Bool {
    skipSpace()
    return peek() == UInt8(ascii: "{")
  }

  /// Whether an array starts here whose first element is a number.
  package func isAtArrayOfNumbers() -> Bool {
    var copy = self
    guard copy.isAtArray() else { return false }
    copy.position += 1
    copy.skipSpace()
    guard let byte = copy.peek() else { return false }
    return byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  /// Whether an array starts here.
  package mutating func isAtArray() -> Bool {
    skipSpace()
    return peek() == UInt8(ascii: "[")
  }

  /// Parses the number that starts here, and says where its text lies.
  package mutating func numberRange() throws(JSONError) -> Range<Int> {
    skipSpace()
    let start = position
    switch try value(depth: 0) {
    case .integer, .double: return start..<position
    default: throw JSONError(offset: start, expected: "a number", found: "another value")
    }
  }

  /// Parses the integer that starts here: a number without fraction or exponent that fits.
  package mutating func integer() throws(JSONError) -> Int {
    skipSpace()
    let start = position
    // Vocabularies hold tens of thousands.
    while let byte = peek(), Self.isDigit(byte) { position += 1 }
    let end = peek()
    if position > start, bytes[start] != UInt8(ascii: "0"), end != UInt8(ascii: "."),
      let value = shortInteger(start)
    {
      return value
    }
    position = start
    guard case .integer(let value) = try value(depth: 0) else {
      throw JSONError(offset: start, expected: "an integer", found: "another value")
    }
    return value
  }

  /// Parses the value that starts here.
  package mutating func value() throws(JSONError) -> JSON { try value(depth: 0) }

  /// Fails unless only white space is left.
  package mutating func finish() throws(JSONError) {
    skipSpace()
    if position < bytes.count { throw error("the end of the text") }
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(JSONError) -> JSON {
    if depth > Self.maximumDepth { throw error("at most \(Self.maximumDepth) nested values") }
    skipSpace()
    switch peek() {
    case UInt8(ascii: "{"): return try objectValue(depth: depth)
    case UInt8(ascii: "["): return try arrayValue(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case .some(let byte) where byte == UInt8(ascii: "-") || Self.isDigit(byte):
      return try number()
    default: throw error("a JSON value")
    }
  }

  private mutating func objectValue(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var members: [JSON.Member] = []
    var seen: Set<[UInt8]> = []
    skipSpace()
    if peek() == UInt8(ascii: "}") { position += 1; return .object([]) }
    while true {
      skipSpace()
      let start = position
      let key = try string()
      if !seen.insert(Array(key.utf8)).inserted {
        throw JSONError(offset: start, expected: "each key once", found: "\"\(key)\" again")
      }
      try expect(UInt8(ascii: ":"), "':'")
      members.append(JSON.Member(key, try value(depth: depth + 1)))
      skipSpace()
      if peek() == UInt8(ascii: ",") { position += 1; continue }
      try expect(UInt8(ascii: "}"), "',' or '}'")
      return .object(members)
    }
  }

  private mutating func arrayValue(depth: Int) throws(JSONError) -> JSON {
    position += 1
    var elements: [JSON] = []
    skipSpace()
    if peek() == UInt8(ascii: "]") { position += 1; return .array([]) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if peek() == UInt8(ascii: ",") { position += 1; continue }
      try expect(UInt8(ascii: "]"), "',' or ']'")
      return .array(elements)
    }
  }

  private mutating func literal(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let count = text.utf8CodeUnitCount
    guard position + count <= bytes.count,
      bytes[position..<position + count].elementsEqual(
        UnsafeBufferPointer(start: text.utf8Start, count: count))
    else { throw error("'\(text)'") }
    position += count
    return value
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = position
    var isInteger = true
    if peek() == UInt8(ascii: "-") { position += 1 }
    if peek() == UInt8(ascii: "0") {
      position += 1
      if let next = peek(), Self.isDigit(next) { throw error("no digit after a leading 0") }
    } else {
      try digits()
    }
    if peek() != UInt8(ascii: "."), let value = shortInteger(start) { return .integer(value) }
    if peek() == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try digits()
    }
    if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let integer = Int(text) { return .integer(integer) }
    guard let double = Double(text), double.isFinite else {
      let shown = text.utf8.count > 40 ? "\(text.prefix(40))…" : text
      throw JSONError(offset: start, expected: "a number that fits a double", found: shown)
    }
    return .double(double)
  }

  /// The integer written at `start`, where it ends here and is short enough not to overflow.
  private func shortInteger(_ start: Int) -> Int? {
    if position - start > 18 || peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
      return nil
    }
    let isNegative = bytes[start] == UInt8(ascii: "-")
    var value = 0
    for i in (isNegative ? start + 1 : start)..<position {
      value = 10 * value + Int(bytes[i] - UInt8(ascii: "0"))
    }
    return isNegative ? -value : value
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = peek(), Self.isDigit(byte) { position += 1 }
    if position == start { throw error("a digit") }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}

// MARK: Strings and bytes

extension JSONParser {
  /// Parses the string that starts here.
  package mutating func string() throws(JSONError) -> String {
    var scratch: [UInt8] = []
    let range = try string(into: &scratch)
    if let range { return String(decoding: bytes[range], as: UTF8.self) }
    return String(decoding: scratch, as: UTF8.self)
  }

  /// Parses the string that starts here, without making one of it.
  ///
  /// - Parameter scratch: What gets the unescaped bytes where something is escaped.
  /// - Returns: The range of the string's bytes where nothing is escaped, else nil. Either way the
  ///   bytes are valid UTF-8.
  /// - Throws: Where there is no string.
  package mutating func string(into scratch: inout [UInt8]) throws(JSONError) -> Range<Int>? {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    var copied = start
    var escaped = false
    while true {
      skipPlainBytes()
      guard let byte = peek() else { throw error("'\"' at the end of a string") }
      if byte == UInt8(ascii: "\"") { break }
      if byte < 0x20 { throw error("an escaped control character") }
      if byte == UInt8(ascii: "\\") {
        escaped = true
        scratch.append(contentsOf: bytes[copied..<position])
        position += 1
        try escape(into: &scratch)
        copied = position
      } else {
        position += 1
      }
    }
    let end = position
    position += 1
    if let bad = UTF8Validation.firstInvalid(bytes, start..<end) {
      throw JSONError(
        offset: bad, expected: "valid UTF-8", found: "byte 0x\(String(bytes[bad], radix: 16))")
    }
    if !escaped { return start..<end }
    scratch.append(contentsOf: bytes[copied..<end])
    return nil
  }

  /// Skips what needs no attention inside a string.
  private mutating func skipPlainBytes() {
    var i = position
    while i < bytes.count {
      let byte = bytes[i]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
      i &+= 1
    }
    position = i
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = peek() else { throw error("an escape sequence") }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(8)
    case UInt8(ascii: "f"): text.append(12)
    case UInt8(ascii: "n"): text.append(10)
    case UInt8(ascii: "r"): text.append(13)
    case UInt8(ascii: "t"): text.append(9)
    case UInt8(ascii: "u"):
      position += 1
      try unicodeEscape(into: &text)
      return
    default: throw error("an escape sequence")
    }
    position += 1
  }

  private mutating func unicodeEscape(into text: inout [UInt8]) throws(JSONError) {
    let start = position - 2
    var value = try hexadecimal()
    if (0xD800..<0xDC00).contains(value), position + 1 < bytes.count,
      bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
    {
      position += 2
      let low = try hexadecimal()
      guard (0xDC00..<0xE000).contains(low) else { throw loneSurrogate(start, value) }
      value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(value) else { throw loneSurrogate(start, value) }
    text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  private func loneSurrogate(_ offset: Int, _ value: UInt32) -> JSONError {
    JSONError(
      offset: offset, expected: "a Unicode scalar",
      found: "the lone surrogate \\u\(String(value, radix: 16))")
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek(), let digit = Self.hexadecimalDigit(byte) else {
        throw error("four hexadecimal digits")
      }
      value = value << 4 | digit
      position += 1
    }
    return value
  }

  private static func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  package mutating func skipSpace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(JSONError) {
    skipSpace()
    guard peek() == byte else { throw error(what) }
    position += 1
  }

  private func error(_ expected: String) -> JSONError {
    let found: String
    if position >= bytes.count {
      found = "the end"
    } else if bytes[position] < 0x80, bytes[position] >= 0x20 {
      found = "'\(Character(Unicode.Scalar(bytes[position])))'"
    } else {
      found = "byte 0x\(String(bytes[position], radix: 16))"
    }
    return JSONError(offset: position, expected: expected, found: found)
  }
}
