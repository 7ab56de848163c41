import ArgumentParser
import JSON

/// A command as its declaration describes it: what help, completions and suggestions are made of.
///
/// It is read from the argument parser's dump, which takes milliseconds: only where somebody asks for
/// help, or after an error.
package struct CommandTree: Sendable {
  /// The name that is typed, `cat`; the tool's for the root.
  package var name: String
  package var abstract: String
  package var discussion: String
  package var arguments: [CommandArgument]
  package var subcommands: [CommandTree]
  package var defaultSubcommand: String?

  /// The commands of a tool, with the options that libraries declare.
  package init<T: Tool>(of tool: T.Type) {
    let dump = DeclaredOptions.parsed(tool._dumpHelp()) { tool.declaredOptions(of: $0) ?? [] }
    guard let command = dump?["command"] else {
      preconditionFailure("the help of a command is not JSON")
    }
    self.init(command)
    // The dump names it only where its name is written down.
    defaultSubcommand = tool.configuration.defaultSubcommand?._commandName
  }

  /// The one command, without declared options.
  package init(alone command: any ParsableCommand.Type) {
    guard let json = (try? JSONParser.parse(command._dumpHelp()))?["command"] else {
      preconditionFailure("the help of a command is not JSON")
    }
    self.init(json)
  }

  private init(_ json: JSON) {
    name = json["commandName"]?.string ?? ""
    abstract = json["abstract"]?.string ?? ""
    discussion = json["discussion"]?.string ?? ""
    arguments = (json["arguments"]?.array ?? []).compactMap { CommandArgument($0) }
    subcommands = (json["subcommands"]?.array ?? []).map { CommandTree($0) }
      .filter { $0.name != "help" }
    defaultSubcommand = json["defaultSubcommand"]?.string
  }

  /// The command that a tool's arguments mean where they name none: the default one, else the root.
  package var usual: CommandTree {
    subcommands.first { $0.name == defaultSubcommand } ?? self
  }

  /// The command that arguments ask for.
  package func selected(by arguments: [String]) -> CommandTree {
    arguments.first.flatMap { word in subcommands.first { $0.name == word } } ?? usual
  }

  /// The options and flags, without the operands.
  package var options: [CommandArgument] { arguments.filter { !$0.isOperand } }

  /// The option with a name as it is typed, `--output` or `-o`.
  package func option(_ spelled: String) -> CommandArgument? {
    options.first { $0.spellings.contains(spelled) }
  }
}

/// An option, a flag or an operand of a command.
package struct CommandArgument: Sendable {
  package enum Kind: String, Sendable { case positional, option, flag }

  /// What a shell offers for a value.
  package enum Values: Sendable, Equatable {
    /// Nothing: a number, or free text.
    case none
    case files
    case folders
    case words([String])
    /// What a command of the shell prints, a word a line.
    case printed(by: String)
  }

  package var kind: Kind
  /// As they are typed, the short ones first: `-o`, `--output`.
  package var spellings: [String]
  package var valueName: String
  package var section: String?
  package var help: String
  package var defaultValue: String?
  package var allowed: [String]
  package var isOptional: Bool
  package var isRepeating: Bool
  package var values: Values

  package var isOperand: Bool { kind == .positional }

  package init?(_ json: JSON) {
    guard !json.has("shouldDisplay", false),
      let kind = json["kind"]?.string.flatMap(Kind.init(rawValue:))
    else { return nil }
    self.kind = kind
    let names = json["names"]?.array ?? []
    let short = names.filter { $0["kind"]?.string == "short" }
    let long = names.filter { $0["kind"]?.string != "short" }
    spellings =
      short.compactMap { $0["name"]?.string.map { "-\($0)" } }
      + long.compactMap { $0["name"]?.string.map { "--\($0)" } }
    if kind == .flag, spellings.contains("--help") { return nil }
    valueName = json["valueName"]?.string ?? "value"
    section = json["sectionTitle"]?.string
    help = [json["abstract"], json["discussion"]].compactMap { $0?.string }.joined(separator: " ")
    defaultValue = json["defaultValue"]?.string
    allowed = (json["allValues"]?.array ?? []).compactMap(\.string)
    isOptional = !json.has("isOptional", false)
    isRepeating = json.has("isRepeating", true)
    values = Self.values(json["completionKind"], allowed, valueName, kind)
  }

  /// What is offered: what the declaration says, else what the value's name in help means.
  private static func values(
    _ completion: JSON?, _ allowed: [String], _ valueName: String, _ kind: Kind
  ) -> Values {
    if kind == .flag { return .none }
    if !allowed.isEmpty { return .words(allowed) }
    if let list = completion?["list"]?["values"]?.array {
      return .words(list.compactMap(\.string))
    }
    if let command = completion?["shellCommand"]?["command"]?.string {
      return .printed(by: command)
    }
    switch valueName {
    case "dir": return .folders
    case "file", "json|file": return .files
    default: return kind == .positional ? .files : .none
    }
  }
}

extension JSON {
  /// Whether a member is there and has this value.
  fileprivate func has(_ key: String, _ value: Bool) -> Bool {
    if case .bool(let found)? = self[key] { found == value } else { false }
  }
}
