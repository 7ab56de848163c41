import ArgumentParser
import Failures
import Streams

/// Words for a command line that cannot be understood, and for what a slip in it led to: an option of
/// another name, a command that is none, an output without its `-o`.
///
/// All this happens after the failure, so that it costs nothing where there is none.
package struct CommandLineFailure<T: Tool> {
  private let tool: T.Type
  private let arguments: [String]

  package init(_ tool: T.Type, _ arguments: [String]) {
    self.tool = tool
    self.arguments = arguments
  }

  /// What the argument parser threw, in our words where we know more.
  ///
  /// - Parameters:
  ///   - error: What was thrown.
  ///   - parse: Parses what is left of the arguments; nil where it refuses again.
  /// - Returns: The failure.
  package func words(of error: any Error, _ parse: ([String]) -> (any ParsableCommand)?) -> Failure
  {
    let message = tool.message(for: error)
    let command = CommandTree(of: tool).selected(by: arguments)
    let isSubcommand = arguments.first == command.name
    let general =
      "\(tool.name) \(isSubcommand ? "help \(command.name)" : "--help") lists the options"
    let isShortToo = message.hasPrefix("Unknown option")
    let unknown = UnknownOption(in: arguments, of: command, short: isShortToo)
    if let unknown, let hint = unknown.hint {
      return .usage("unknown option \(unknown.typed)", hint: hint)
    }
    if tool.declaredOptions(of: isSubcommand ? command.name : nil) != nil {
      var rest = arguments
      let known = Set(command.options.flatMap(\.spellings).map { String($0.drop { $0 == "-" }) })
      if let stranger = DeclaredOptions.takeStrangers(&rest, known) {
        let owner = (parse(rest) as? any TakesDeclaredOptions)?.ownerOfOptions
        return .usage(
          "--\(stranger): \(owner.map { "\($0) has" } ?? "there is") no --\(stranger)",
          hint: general)
      }
    }
    if let unknown { return .usage("unknown option \(unknown.typed)", hint: general) }
    let status: ExitStatus = tool.exitCode(for: error) == .validationFailure ? .usage : .software
    let isOutputMissing = message.contains("'--output <")
    let output = forgottenOutput(command) ?? "-o names the output, and is missing; \(general)"
    let hint =
      dashedValue(command, message) ?? ValueHabits.hint(message)
      ?? (isOutputMissing ? output : general)
    return Failure(status, message, hint: hint)
  }

  /// What to do about a value that begins with a dash, which looks like an option.
  private func dashedValue(_ command: CommandTree, _ message: String) -> String? {
    guard message.hasPrefix("Missing value for '") else { return nil }
    for (option, value) in zip(arguments, arguments.dropFirst())
    where message.contains("'\(option) <") && value.hasPrefix("-") && value != "-" {
      let long = command.option(option)?.spellings.first { $0.hasPrefix("--") } ?? option
      return "a value that begins with a dash is joined to its option: \(long)=\(value)"
    }
    return nil
  }

  /// A failure with what else is known of its cause.
  package func explained(_ failure: Failure) -> Failure {
    guard failure.status == .usage || failure.status == .noInput else { return failure }
    let leading = CommandOrder.leading(arguments)
    let first = leading < arguments.count ? arguments[leading] : ""
    if let unknown = unknownCommand(first), failure.status == .usage || failure.place == first {
      return Failure(failure.status, unknown.message, hint: unknown.hint)
    }
    guard failure.status == .noInput, failure.hint == nil, let place = failure.place else {
      return failure
    }
    var failure = failure
    let names = tool.configuration.subcommands.map { $0._commandName }
    if names.contains(place) {
      failure.hint =
        "a command stands in front of its options: \(tool.name) \(place) …; "
        + "a file of that name is ./\(place)"
    } else if place == arguments.last {
      failure.hint = forgottenOutput(CommandTree(of: tool).selected(by: arguments))
    }
    return failure
  }

  /// The refusal of a first word that is neither a command nor a file, of a tool that has commands;
  /// nil for another word.
  package func unknownCommand(_ word: String) -> Failure? {
    let names = tool.configuration.subcommands.map { $0._commandName }
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    guard !names.isEmpty, let first = word.utf8.first, letters.contains(first),
      word.utf8.allSatisfy({ letters.contains($0) || $0 == UInt8(ascii: "-") || $0 == 0x5F }),
      !names.contains(word), word != "help", !WholeFile.exists(word)
    else { return nil }
    let near = NearestName.find(word, in: names)
    return .usage(
      "there is no command \(word), nor a file of that name",
      hint: near.map { "did you mean \(tool.name) \($0)?" }
        ?? "the commands are \(names.joined(separator: ", "))")
  }

  /// What to do about a last operand that is not there, where no output is named.
  private func forgottenOutput(_ command: CommandTree) -> String? {
    guard let last = arguments.last, last != arguments.first, !last.hasPrefix("-"),
      let output = command.option("--output"), !WholeFile.exists(last) || command.name != "merge",
      !arguments.contains(where: { argument in
        argument.hasPrefix("--output=") || (argument.hasPrefix("-o") && !argument.hasPrefix("--"))
          || output.spellings.contains(argument)
      })
    else { return nil }
    // The value of an option is no operand.
    let before = arguments[arguments.count - 2]
    if command.option(before)?.kind == .option { return nil }
    if WholeFile.exists(last) { return nil }
    return "-o names the output: … -o \(last)"
  }
}
