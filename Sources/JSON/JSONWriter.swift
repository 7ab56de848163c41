extension JSON {
  /// The value as JSON text without white space.
  ///
  /// - Parameter sortingKeys: Whether members are written in the order of their keys' bytes, which
  ///   makes the text a function of the value alone.
  /// - Returns: The text.
  package func serialized(sortingKeys: Bool = false) -> String {
    var text = ""
    write(to: &text, sortingKeys: sortingKeys)
    return text
  }

  /// The value as JSON text over several lines, two spaces a level.
  package func indented() -> String {
    var text = ""
    writeIndented(to: &text, level: 0)
    return text
  }

  private func write(to text: inout String, sortingKeys: Bool) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .double(let value): text += Self.number(value)
    case .string(let value): Self.quote(value, to: &text)
    case .array(let elements):
      text += "["
      for (i, element) in elements.enumerated() {
        if i > 0 { text += "," }
        element.write(to: &text, sortingKeys: sortingKeys)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (i, member) in (sortingKeys ? Self.sorted(members) : members).enumerated() {
        if i > 0 { text += "," }
        Self.quote(member.key, to: &text)
        text += ":"
        member.value.write(to: &text, sortingKeys: sortingKeys)
      }
      text += "}"
    }
  }

  private func writeIndented(to text: inout String, level: Int) {
    let margin = String(repeating: " ", count: 2 * (level + 1))
    let close = "\n" + String(repeating: " ", count: 2 * level)
    switch self {
    case .array(let elements) where !elements.isEmpty:
      text += "["
      for (i, element) in elements.enumerated() {
        text += (i > 0 ? ",\n" : "\n") + margin
        element.writeIndented(to: &text, level: level + 1)
      }
      text += close + "]"
    case .object(let members) where !members.isEmpty:
      text += "{"
      for (i, member) in members.enumerated() {
        text += (i > 0 ? ",\n" : "\n") + margin
        Self.quote(member.key, to: &text)
        text += ": "
        member.value.writeIndented(to: &text, level: level + 1)
      }
      text += close + "}"
    default: write(to: &text, sortingKeys: false)
    }
  }

  private static func sorted(_ members: [Member]) -> [Member] {
    members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  /// The shortest text that reads back to the same double.
  private static func number(_ value: Double) -> String {
    precondition(value.isFinite, "JSON has no \(value)")
    return "\(value)"
  }

  /// Appends `string` as a JSON string: what must be escaped is, nothing else.
  package static func quote(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
