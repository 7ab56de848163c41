import ArgumentParser
import Failures
import Glibc
import Streams
import Synchronization

/// A command of a tool: what it does, given its options.
///
/// `execute` is the one way in; what a command has to say before or after goes through the other
/// requirements.
package protocol ToolCommand: ParsableCommand, OptionsWithoutEffect {
  var common: CommonOptions { get }
  /// The tool's name in messages, `lir-encode`.
  static var tool: String { get }
  /// Whether `-o` names a folder.
  static var outputIsFolder: Bool { get }
  /// Whether the command has no summary line: it answers a question, or by its status alone.
  static var isSilent: Bool { get }
  /// What the help shows of the command in use: lines as they are typed.
  static var examples: [String] { get }
  /// Does the work.
  func execute(_ context: ToolContext) throws
  /// The answer to `--print-config`: the settings in force as YAML that `--config` reads back.
  func configuration(_ settings: [Setting]) throws -> String
  /// A failure as this process reports it; of processes that work together, one speaks for all.
  func reported(_ failure: Failure) -> Failure
}

extension ToolCommand {
  package static var isSilent: Bool { false }
  package static var outputIsFolder: Bool { false }
  package static var examples: [String] { [] }
  package static var withoutEffect: [String] { [] }

  package func configuration(_ settings: [Setting]) throws -> String {
    let hidden: Set<String> = ["config", "print-config"]
    return settings.filter { !hidden.contains($0.key) }.map { $0.yaml + "\n" }.joined()
  }

  package func reported(_ failure: Failure) -> Failure { failure }

  package func run() throws { try run(with: []) }

  /// Executes the command, with declared options that were given, and says at the end what it did.
  func run(with declared: [DeclaredValue]) throws {
    let settings = Settings.of(self)
    if common.printConfig {
      let given = declared.map { Setting(key: $0.name, value: .text($0.value)) }
      return try StandardOutput.write(
        configuration((settings + given).sorted { $0.key < $1.key }))
    }
    do {
      if common.allowEmpty { EmptyInputs.allow() }
      try Self.checkOutput(settings)
      let context = try ToolContext(
        tool: Self.tool, common: common, settings: settings, declared: declared)
      if common.verbose { context.diagnostics.note(Beginning.text(of: self, settings)) }
      try execute(context)
      if !Self.isSilent && !context.isSilent { context.summarize() }
    } catch let failure as Failure { throw reported(ToolRunner.cause(of: failure)) }
  }

  /// Refuses an output that cannot be, before any work is done.
  private static func checkOutput(_ settings: [Setting]) throws(Failure) {
    guard case .text(let name)? = settings.first(where: { $0.key == "output" })?.value else {
      return
    }
    if !outputIsFolder {
      _ = try OutputPlace(name)
    } else if name != "-" {
      try OutputPlace.checkFolder(name)
    }
  }
}

/// A command with options that libraries declare.
package protocol TakesDeclaredOptions {
  /// Who the options of the command are for, such as the type of the index; nil where that cannot be
  /// told.
  var ownerOfOptions: String? { get }
}

/// The root command of an executable.
package protocol Tool: ParsableCommand {
  static var name: String { get }
  /// Lines of `--version -v` about the libraries.
  static var libraries: [String] { get }
  /// Options of a subcommand, or of the default one, that libraries declare; nil where none can be.
  static func declaredOptions(of subcommand: String?) -> [DeclaredOption]?
}

extension Tool {
  package static var libraries: [String] { [] }

  package static func declaredOptions(of subcommand: String?) -> [DeclaredOption]? { nil }

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

/// Runs a tool from its command line to its exit status.
package enum ToolRunner {
  /// Parses, runs, reports, and exits with the status that the outcome has.
  static func run<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> Never {
    ProcessSurroundings.secure(tool: T.name, json: asksForJSON(arguments))
    ownsProcess.store(true, ordering: .relaxed)
    let status = attempt(tool, arguments)
    exit(status)
  }

  /// Whether one command is all that the process does, as it is not where tests run several.
  private static let ownsProcess = Atomic<Bool>(false)

  /// Why a command failed: a lease that the process lost may be the reason.
  static func cause(of failure: Failure) -> Failure {
    ownsProcess.load(ordering: .relaxed) ? Lease.cause(of: failure) : failure
  }

  /// Parses, runs and reports; the status that the outcome has.
  package static func attempt<T: Tool>(_ tool: T.Type, _ typed: [String]) -> Int32 {
    let arguments = CommandOrder.subcommandFirst(
      typed, tool.configuration.subcommands.map { $0._commandName } + ["help"])
    do throws(Failure) {
      if let answer = try answer(tool, arguments) {
        try StandardOutput.write(answer)
      } else {
        try execute(tool, arguments)
      }
      return 0
    } catch {
      let failure = CommandLineFailure(tool, arguments).explained(error)
      diagnostics(tool, arguments).error(failure)
      return failure.status.rawValue
    }
  }

  /// What arguments ask to be told in place of any work; nil where they ask for work.
  private static func answer<T: Tool>(
    _ tool: T.Type, _ arguments: [String]
  ) throws(Failure) -> String? {
    if arguments.isEmpty { return nil }
    for argument in arguments {
      switch argument {
      case "--": return nil
      case "--version": return version(tool, arguments)
      case "-h", "--help": return HelpPage(tool, arguments).text
      case "--experimental-dump-help":
        return DeclaredOptions.adding(
          to: tool._dumpHelp(), usage: { HelpPage.usage(of: $0, in: tool) }
        ) { tool.declaredOptions(of: $0) ?? [] } + "\n"
      default:
        if argument.hasPrefix("--generate-completion-script") {
          return try Completions.asked(tool, arguments)
        }
      }
    }
    guard arguments[0] == "help", !tool.configuration.subcommands.isEmpty else { return nil }
    let words = Array(arguments.dropFirst())
    if let word = words.first, let unknown = CommandLineFailure(tool, words).unknownCommand(word) {
      throw unknown
    }
    return HelpPage(tool, words).text
  }

  /// Parses the arguments and runs the command that they mean.
  private static func execute<T: Tool>(_ tool: T.Type, _ arguments: [String]) throws(Failure) {
    let declared = declaredOptions(tool, arguments)
    let expanded = try Configuration.expand(arguments, for: tool, declared ?? [])
    let (rest, given) = try DeclaredOptions.take(expanded, declared ?? [])
    var command: any ParsableCommand
    do {
      command = try parse(tool, rest)
    } catch {
      throw CommandLineFailure(tool, rest).words(of: error) { try? parse(tool, $0) }
    }
    do {
      if !given.isEmpty, let command = command as? any ToolCommand {
        try command.run(with: given)
      } else {
        try command.run()
      }
    } catch let failure as Failure {
      throw failure
    } catch {
      let code = tool.exitCode(for: error)
      throw Failure(code == .validationFailure ? .usage : .software, tool.message(for: error))
    }
  }

  /// The declared options of the command that is asked for.
  private static func declaredOptions<T: Tool>(
    _ tool: T.Type, _ arguments: [String]
  ) -> [DeclaredOption]? {
    let names = tool.configuration.subcommands.map { $0._commandName }
    return tool.declaredOptions(of: arguments.first.flatMap { names.contains($0) ? $0 : nil })
  }

  /// Parses a command line.
  ///
  /// A command line that can only mean the default subcommand is parsed by that subcommand, in half
  /// the time. If it refuses, the tool parses the command line again and words the refusal.
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

  private static func version<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> String {
    var text = "\(tool.name) \(Release.version)\n"
    if arguments.contains("-v") || arguments.contains("--verbose") {
      for line in StreamLibraries.versions + tool.libraries { text += line + "\n" }
    }
    return text
  }

  /// Messages before the options are known: in the form that the arguments ask for.
  private static func diagnostics<T: Tool>(_ tool: T.Type, _ arguments: [String]) -> Diagnostics {
    let isVerbose = arguments.contains { CommandOrder.asksForMore($0) }
    return Diagnostics(
      tool: tool.name, level: isVerbose ? .verbose : .normal,
      format: asksForJSON(arguments) ? .json : .text)
  }

  private static func asksForJSON(_ arguments: [String]) -> Bool {
    arguments.contains("--log-format=json")
      || zip(arguments, arguments.dropFirst()).contains { $0 == "--log-format" && $1 == "json" }
  }
}
