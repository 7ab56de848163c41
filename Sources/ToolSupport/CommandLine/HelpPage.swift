import ArgumentParser
import Glibc

/// The help of a command as people look things up in it: what it is for, how it is called, an example;
/// then its own options, those that it shares with some tools, and last those that all have.
package struct HelpPage {
  package let tool: String
  package let command: CommandTree
  /// What is typed, perhaps in several lines; made from the declaration where it is nil.
  package let usage: String?
  package let examples: [String]
  /// The other commands of the tool, named below the help of the default one.
  package let others: [CommandTree]
  /// Columns of the terminal.
  package let width: Int

  /// Column where explanations begin.
  private static let column = 26
  /// Title of the options that every tool has, which come last.
  private static let common = "Common"

  /// The page of the command that arguments ask for.
  package init<T: Tool>(_ tool: T.Type, _ arguments: [String], width: Int? = nil) {
    let tree = CommandTree(of: tool)
    self.tool = tool.name
    let selected = tree.selected(by: arguments)
    command = selected
    let isSubcommand = selected.name != tree.usual.name
    others = isSubcommand ? [] : tree.subcommands.filter { $0.name != selected.name }
    usage = Self.usage(of: selected.name, in: tool)
    examples = (Self.type(of: selected.name, in: tool) as? any ToolCommand.Type)?.examples ?? []
    self.width = width ?? Self.terminalWidth
  }

  /// How a command of a tool is called, as its declaration says; nil where it does not.
  package static func usage<T: Tool>(of command: String, in tool: T.Type) -> String? {
    type(of: command, in: tool).configuration.usage
  }

  private static func type<T: Tool>(
    of command: String, in tool: T.Type
  ) -> any ParsableCommand.Type {
    tool.configuration.subcommands.first { $0._commandName == command } ?? tool
  }

  /// The text, with a newline at its end.
  package var text: String {
    var parts = ["OVERVIEW: " + wrapped(command.abstract, indent: 0, first: 10)]
    if !command.discussion.isEmpty {
      let lines = command.discussion.split(separator: "\n", omittingEmptySubsequences: false)
      parts.append(lines.map { wrapped(String($0), indent: 0) }.joined(separator: "\n"))
    }
    let use = (usage ?? automaticUsage).split(separator: "\n").joined(separator: "\n       ")
    parts.append("USAGE: \(use)")
    if !examples.isEmpty {
      parts.append(
        (examples.count == 1 ? "EXAMPLE:\n" : "EXAMPLES:\n")
          + examples.map { "  " + $0.replacing("\n", with: "\n  ") }.joined(separator: "\n"))
    }
    parts += sections
    if !others.isEmpty {
      let lines = others.map { entry("\(tool) \($0.name)", $0.abstract) }
      parts.append("SUBCOMMANDS:\n" + lines.joined(separator: "\n"))
      parts.append(wrapped("'\(tool) help SUBCOMMAND' lists the options of one.", indent: 0))
    }
    parts.append("The manual says more: man \(tool)")
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// Operands, own options, those of groups, and those that all tools have.
  private var sections: [String] {
    let operands = command.arguments.filter(\.isOperand)
    var titles: [String] = []
    for option in command.options {
      let title = option.section ?? ""
      if !titles.contains(title) { titles.append(title) }
    }
    titles.sort { Self.rank($0) < Self.rank($1) }
    var sections: [String] = []
    if !operands.isEmpty { sections.append(section("Arguments", operands)) }
    for title in titles {
      let members = command.options.filter { ($0.section ?? "") == title }
      sections.append(section(title.isEmpty ? "Options" : title, members))
    }
    return sections
  }

  /// Sorting is stable: groups stay in their order between the first and the last.
  private static func rank(_ title: String) -> Int { title.isEmpty ? 0 : title == common ? 2 : 1 }

  private func section(_ title: String, _ members: [CommandArgument]) -> String {
    var lines = members.map { entry(label($0), explanation($0)) }
    if title == Self.common {
      lines.append(entry("-h, --help", "Show this, and stop."))
      lines.append(entry("--version", "Say the version, with -v those of libraries, and stop."))
    }
    return "\(title.uppercased()):\n" + lines.joined(separator: "\n")
  }

  private func label(_ argument: CommandArgument) -> String {
    if argument.isOperand { return "<\(argument.valueName)>" }
    let names = argument.spellings.joined(separator: ", ")
    return argument.kind == .option ? "\(names) <\(argument.valueName)>" : names
  }

  private func explanation(_ argument: CommandArgument) -> String {
    var notes: [String] = []
    if !argument.allowed.isEmpty {
      notes.append("values: " + argument.allowed.joined(separator: ", "))
    }
    if let value = argument.defaultValue, argument.kind != .flag, !value.isEmpty {
      notes.append("default: \(value)")
    }
    let note = notes.isEmpty ? "" : "(" + notes.joined(separator: "; ") + ")"
    return [argument.help, note].filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// `  --name <value>   What it is for.`, the latter below where the name is long.
  private func entry(_ label: String, _ text: String) -> String {
    let label = "  " + label
    if text.isEmpty { return label }
    let padding = String(repeating: " ", count: Self.column)
    if label.utf8.count < Self.column {
      let space = String(repeating: " ", count: Self.column - label.utf8.count)
      return label + space + wrapped(text, indent: Self.column, first: Self.column)
    }
    return label + "\n" + padding + wrapped(text, indent: Self.column, first: Self.column)
  }

  private var automaticUsage: String {
    var words = command.name == tool ? [tool] : [tool, command.name]
    for option in command.options where !option.isOptional {
      words.append(label(option).split(separator: ", ").last.map(String.init) ?? "")
    }
    if command.options.contains(where: \.isOptional) { words.append("[<options>]") }
    for operand in command.arguments where operand.isOperand {
      let name = "<\(operand.valueName)>" + (operand.isRepeating ? " ..." : "")
      words.append(operand.isOptional ? "[\(name)]" : name)
    }
    return words.joined(separator: " ")
  }

  /// Text in lines of the terminal's width.
  ///
  /// - Parameters:
  ///   - text: One paragraph.
  ///   - indent: Spaces in front of every line but the first.
  ///   - first: Columns that are taken already in the first line.
  /// - Returns: The lines, without a newline at the end.
  private func wrapped(_ text: String, indent: Int, first: Int = 0) -> String {
    var lines = ""
    var column = first
    var isAtStart = true
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      if !isAtStart, column + 1 + word.count > width {
        lines += "\n" + String(repeating: " ", count: indent)
        column = indent
        isAtStart = true
      }
      lines += isAtStart ? String(word) : " \(word)"
      column += word.count + (isAtStart ? 0 : 1)
      isAtStart = false
    }
    return lines
  }

  /// Columns of the terminal that the help goes to; 80 where it goes elsewhere.
  private static var terminalWidth: Int {
    var size = winsize()
    guard isTerminal(1), ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 40 else {
      return 80
    }
    return Int(size.ws_col)
  }
}
