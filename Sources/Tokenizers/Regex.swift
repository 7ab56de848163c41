import COniguruma

/// Why a regular expression was refused.
package struct RegexError: Error {
  /// What is wrong or not supported: `invalid backref number/name`.
  package let reason: String
}

/// A compiled regular expression in the syntax of Oniguruma, which the reference runs.
///
/// The library compiles and matches; what letters, digits and the like are comes from tables of our
/// own (`RegexEncoding`), so that its version does not matter.
package final class Regex: @unchecked Sendable {
  /// Never changed once compiled, so that threads share it.
  let handle: OnigRegex

  /// - Throws: where the pattern is none, or asks for what depends on the library's own tables.
  package init(_ pattern: String) throws(RegexError) {
    let source = try RegexSource(pattern)
    let bytes = source.bytes
    var made: OnigRegex?
    var about = OnigErrorInfo()
    // One byte more, as an empty array has no address.
    let code = (bytes + [0]).withUnsafeBufferPointer { buffer -> Int32 in
      let start = buffer.baseAddress.unsafelyUnwrapped
      return onig_new(
        &made, start, start + bytes.count, 0, RegexEncoding.shared, RegexEncoding.syntax, &about)
    }
    guard code == 0, let made else {
      throw RegexError(reason: Self.message(code, bytes, &about))
    }
    handle = made
  }

  /// A pattern that is `text` itself.
  convenience init(literal text: String) throws(RegexError) {
    var pattern = ""
    for scalar in text.unicodeScalars {
      if #"\.+*?()|[]{}^$#&-~"#.unicodeScalars.contains(scalar) { pattern += "\\" }
      pattern.unicodeScalars.append(scalar)
    }
    try self.init(pattern)
  }

  deinit { onig_free(handle) }

  private static func message(
    _ code: Int32, _ pattern: [UInt8], _ about: inout OnigErrorInfo
  ) -> String {
    var text = [UInt8](repeating: 0, count: Int(ONIG_MAX_ERROR_MESSAGE_LEN) + 1)
    // What the error is about may lie in the pattern.
    let length = pattern.withUnsafeBufferPointer { _ in
      coniguruma_message(&text, code, &about)
    }
    return String(decoding: text.prefix(max(0, Int(length))), as: UTF8.self)
  }
}
