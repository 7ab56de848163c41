import Failures

/// An option of a command line that its command does not have, and what was probably meant.
package struct UnknownOption {
  /// As it was typed, without a value.
  package let typed: String
  /// What to do instead; nil where there is no idea.
  package let hint: String?

  /// The first such option of a command line; nil if it has none.
  ///
  /// Whatever starts with two dashes is an option: no value of ours may do so. What starts with one
  /// may be a value, so that the parser's word is needed (`isShortToo`).
  package init?(in arguments: [String], of command: CommandTree, short isShortToo: Bool) {
    for argument in arguments {
      if argument == "--" { return nil }
      guard argument.hasPrefix("-"), argument.utf8.count > 1 else { continue }
      let typed = argument.split(separator: "=", omittingEmptySubsequences: false).first ?? ""
      let isLong = typed.hasPrefix("--")
      if !isLong, !isShortToo || command.option(String(typed.prefix(2))) != nil { continue }
      let known = ["--help", "-h", "--version"]
      if command.option(String(typed)) != nil || known.contains(String(typed)) { continue }
      self.typed = isLong ? String(typed) : String(typed.prefix(2))
      hint = Self.hint(String(typed.drop { $0 == "-" }), of: command, isLong: isLong)
      return
    }
    return nil
  }

  private static func hint(_ name: String, of command: CommandTree, isLong: Bool) -> String? {
    if name.utf8.isEmpty { return nil }
    let known = command.options.flatMap(\.spellings)
    let long = known.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) }
    let plain = name.replacing("_", with: "-").lowercased()
    // A plural for a singular, a capital, an underscore: as good as the right name.
    if isLong, let same = long.first(where: { singular($0) == singular(plain) }) {
      return "did you mean --\(same)?"
    }
    if let meaning = OptionHabits.meaning(of: name) {
      if let here = meaning.here.first(where: { known.contains($0) }) {
        return "did you mean \(here)?" + (meaning.note.map { " (\($0))" } ?? "")
      }
      if meaning.here.contains(OptionHabits.operands),
        let operand = command.arguments.first(where: \.isOperand)
      {
        return "name it without an option in front: \(operand.help)"
      }
    }
    guard isLong else { return nil }
    if let near = NearestName.find(plain, in: long) { return "did you mean --\(near)?" }
    // The beginning of a name, or of its last part: --prec, --length.
    let parts = long.filter { $0.hasPrefix(plain) || $0.hasSuffix("-\(plain)") }
    return parts.count == 1 ? "did you mean --\(parts[0])?" : nil
  }

  /// A name without the ending of a plural.
  private static func singular(_ name: String) -> String {
    if name.hasSuffix("ies") { return name.dropLast(3) + "y" }
    return name.hasSuffix("s") ? String(name.dropLast()) : name
  }
}
