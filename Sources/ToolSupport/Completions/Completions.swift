import Failures

/// Scripts by which shells complete a tool's command line: file names, options, their values, and
/// the options of the subcommand that nobody has to name.
package struct Completions: Sendable {
  package enum Shell: String, CaseIterable, Sendable { case bash, zsh, fish }

  let tool: String
  /// What may be completed at one place each: `nil` stands for no subcommand.
  let commands: [(name: String?, tree: CommandTree)]

  package init<T: Tool>(of tool: T.Type) { self.init(tool.name, CommandTree(of: tool)) }

  init(_ name: String, _ tree: CommandTree) {
    tool = name
    commands = [(nil, tree.usual)] + tree.subcommands.map { ($0.name, $0) }
  }

  /// The subcommands' names.
  var names: [String] { commands.compactMap(\.name) }

  /// A name for functions of shells: `_lir_encode`.
  var function: String { "_" + tool.replacing("-", with: "_") }

  /// The script for a shell.
  package func script(_ shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  /// The script that the arguments ask for; nil where they ask for none.
  ///
  /// - Throws: 64 for a shell that is not known.
  static func asked<T: Tool>(
    _ tool: T.Type, _ arguments: [String]
  ) throws(Failure) -> String? {
    let flag = "--generate-completion-script"
    var name: String?
    for (index, argument) in arguments.enumerated() {
      if argument == flag { name = index + 1 < arguments.count ? arguments[index + 1] : "" }
      if argument.hasPrefix(flag + "=") { name = String(argument.dropFirst(flag.utf8.count + 1)) }
    }
    guard let name else { return nil }
    guard let shell = Shell(rawValue: name) else {
      throw .usage("\(flag): expected bash, zsh or fish, found '\(name)'")
    }
    return Completions(of: tool).script(shell)
  }

  /// A text in single quotes, as bash and zsh take it.
  static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

  /// What explains an option in a list: the first sentence of its help.
  static func summary(_ help: String) -> String {
    let line = help.replacing("\n", with: " ")
    guard let end = line.firstRange(of: ". ") else {
      return line.hasSuffix(".") ? String(line.dropLast()) : line
    }
    return String(line[..<end.lowerBound])
  }
}
