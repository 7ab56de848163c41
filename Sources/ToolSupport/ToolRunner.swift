import ArgumentParser
import Failures
import Glibc
import Streams

/// A command of a tool: what it does, given its options.
package protocol ToolCommand: ParsableCommand {
  var common: CommonOptions { get }
  /// The tool's name in messages, `lir-encode`.
  static var tool: String { get }
  /// Whether the command has no summary line: it answers a question, or by its status alone.
  static var isSilent: Bool { get }
  func execute(_ context: ToolContext) throws
}

extension ToolCommand {
  package static var isSilent: Bool { false }

  package func run() throws {
    let settings = Settings.of(self)
    if common.printConfig { return try printSettings(settings) }
    try runCommand(settings)
  }

  /// Executes the command, and says at the end what it did.
  package func runCommand(_ settings: [Setting]) throws {
    let context = try ToolContext(tool: Self.tool, common: common, settings: settings)
    try execute(context)
    if !Self.isSilent && !context.isSilent { context.summarize() }
  }

  /// Writes the settings in force as YAML that `--config` reads back.
  package func printSettings(_ settings: [Setting]) throws(Failure) {
    let hidden: Set<String> = ["config", "print-config"]
    let lines = settings.filter { !hidden.contains($0.key) }.map(\.yaml)
    try StandardOutput.write(lines.joined(separator: "\n") + "\n")
  }
}

/// The root command of an executable.
package protocol Tool: ParsableCommand {
  static var name: String { get }
  /// What `--version -v` says of the libraries.
  static var libraries: [String] { get }
}

extension Tool {
  package static var libraries: [String] { [] }

  package static func main() {
    ToolRunner.run(Self.self, Array(CommandLine.arguments.dropFirst()))
  }
}

/// Small texts on the standard output, with the checks that `print` leaves out.
package enum StandardOutput {
  package static func write(_ text: String) throws(Failure) {
    let output = try ByteWriter("-", compression: Compression.none)
    try output.write(text)
    try output.finish()
  }
}

enum ToolRunner {
  /// Parses, runs, reports, and exits with the status that the outcome has.
  static func run<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> Never {
    StandardDescriptors.secure()
    SignalCleanup.install()
    let status = attempt(tool, arguments)
    exit(status)
  }

  private static func attempt<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> Int32 {
    do {
      if arguments.contains("--version") {
        try StandardOutput.write(version(tool, arguments))
        return 0
      }
      if let help = defaultHelp(tool, arguments) {
        try StandardOutput.write(help)
        return 0
      }
      let expanded = try Configuration.expand(arguments, for: tool)
      var command = try parse(tool, expanded)
      try command.run()
      return 0
    } catch let failure as Failure {
      diagnostics(tool, arguments).error(failure)
      return failure.status.rawValue
    } catch {
      return parserOutcome(tool, arguments, error)
    }
  }

  /// Parses a command line.
  ///
  /// Where it can only mean the default subcommand that one parses it, in half the time. What it does
  /// not take is parsed by the tool, which knows the right words for it.
  private static func parse<T: Tool>(
    _ tool: T.Type, _ arguments: [String]
  ) throws -> any ParsableCommand {
    if let command = tool.configuration.defaultSubcommand {
      var names: Set<String> = ["help"]
      for other in tool.configuration.subcommands { names.insert(other._commandName) }
      if names.isDisjoint(with: arguments), let parsed = Self.parsed(arguments, by: command) {
        return parsed
      }
    }
    return try tool.parseAsRoot(arguments)
  }

  private static func parsed<C: ParsableCommand>(
    _ arguments: [String], by command: C.Type
  ) -> (any ParsableCommand)? {
    do { return try C.parse(arguments) as any ParsableCommand } catch { return nil }
  }

  /// The help of a tool with a default subcommand is that command's: it has the options that people
  /// look for.
  ///
  /// The other subcommands are named below.
  private static func defaultHelp<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> String? {
    guard arguments == ["--help"] || arguments == ["-h"],
      let command = tool.configuration.defaultSubcommand
    else { return nil }
    let others = tool.configuration.subcommands.filter { $0 != command }
    let names = others.map { "  \(tool.name) \($0._commandName): \($0.configuration.abstract)\n" }
    return tool.helpMessage(for: command) + "\n\nSUBCOMMANDS:\n" + names.joined()
      + "\n  See '\(tool.name) help SUBCOMMAND' for their options.\n"
  }

  /// What ArgumentParser throws: help, which is an answer, or a usage error.
  private static func parserOutcome<T: Tool>(
    _ tool: T.Type, _ arguments: [String], _ error: any Error
  ) -> Int32 {
    let code = tool.exitCode(for: error)
    if code == .success {
      do {
        try StandardOutput.write(tool.fullMessage(for: error) + "\n")
        return 0
      } catch let failure as Failure {
        diagnostics(tool, arguments).error(failure)
        return failure.status.rawValue
      } catch { return ExitStatus.software.rawValue }
    }
    let status: ExitStatus = code == .validationFailure ? .usage : .software
    diagnostics(tool, arguments).error(
      Failure(status, tool.message(for: error), hint: "\(tool.name) --help lists the options"))
    return status.rawValue
  }

  private static func version<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> String {
    var text = "\(tool.name) \(Release.version)\n"
    if arguments.contains("-v") || arguments.contains("--verbose") {
      for line in StreamLibraries.versions + tool.libraries { text += line + "\n" }
    }
    return text
  }

  /// Messages before the options are known: in the form that the arguments ask for.
  private static func diagnostics<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> Diagnostics {
    let json =
      arguments.contains("--log-format=json")
      || zip(arguments, arguments.dropFirst()).contains { $0 == "--log-format" && $1 == "json" }
    return Diagnostics(tool: tool.name, level: .normal, format: json ? .json : .text)
  }
}
