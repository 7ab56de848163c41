import Failures

/// Words of a shell, and values of variables, in a Makefile.
package enum Quoting {
  private static let plain = Set("_@%+=:,./-".utf8)

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: plain.contains(byte)
    }
  }

  /// One word of a recipe, for bash.
  package static func word(_ text: String) -> String {
    if !text.isEmpty, text.utf8.allSatisfy(isPlain) { return text }
    return shell(text).replacing("$", with: "$$")
  }

  /// One word for bash, in a single line whatever is in it.
  private static func shell(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      return "'" + text.replacing("'", with: "'\\''") + "'"
    }
    var quoted = "$'"
    for scalar in text.unicodeScalars {
      switch scalar {
      case "'", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case let scalar where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 8)
        quoted += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "'"
  }

  /// The value of a variable, as it stands behind `?=`.
  ///
  /// - Parameter path: What the variable is to hold.
  /// - Returns: The value.
  /// - Throws: 78 for a line break, which such a value cannot hold.
  package static func value(_ path: String) throws(Failure) -> String {
    if path.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) {
      throw .config(
        path, "a name with a line break cannot stand in a Makefile", hint: "link to it by another")
    }
    // A number sign begins a comment, whatever stands in front of it, and a backslash at the end takes
    // the next line in; spaces in front are not part of a value.
    var value = path.replacing("$", with: "$$").replacing("#", with: "$(hash)")
    if let first = value.first, first == " " || first == "\t" { value = "$(nothing)" + value }
    if let last = value.last, last == "\\" || last == " " { value += "$(nothing)" }
    return value
  }

  /// A file's name as a target: what has a meaning in rules, or is no letter of ASCII, becomes `_`.
  package static func target(_ name: String) -> String {
    let allowed = Set("_@+,.-".utf8)
    var target = ""
    for scalar in name.unicodeScalars {
      let byte = scalar.isASCII ? UInt8(scalar.value) : 0
      let isKept =
        byte != 0 && isPlain(byte) && (plain.contains(byte) ? allowed.contains(byte) : true)
      target.unicodeScalars.append(isKept ? scalar : "_")
    }
    return target
  }
}
