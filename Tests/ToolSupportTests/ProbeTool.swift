import ArgumentParser
import Failures
import JSON
import TestSupport
import ToolSupport

/// A command with every option group and every sort of value.
struct Probe: ToolCommand {
  static let tool = "lir-probe"
  static let configuration = CommandConfiguration(commandName: "probe")
  static let withoutEffect = ["volume"]

  enum Colour: String, ExpressibleByArgument, CaseIterable { case red, green }

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup var model: ModelOptions
  @OptionGroup var records: RecordOptionsGroup
  @OptionGroup var output: OutputOptions
  @OptionGroup var resumption: ResumeOptions
  @OptionGroup var shards: ShardOptions
  @OptionGroup var precision: PrecisionOptions

  @Option(help: "One of two.") var colour: Colour = .red
  @Option(name: [.customShort("m"), .long], help: "Some texts.") var measure: [String] = []
  @Option(help: "A number.") var maxLength: Int?
  @Option(help: "Another.") var interpolationWeight: Double = 0.5
  @Flag(help: "Yes or no.") var dropSelf = false
  @Option(help: "How loud.") var volume: Float?
  @Argument(help: "Operands.") var inputs: [String] = []

  func execute(_ context: ToolContext) throws {}
}

struct Other: ToolCommand {
  static let tool = "lir-probe"
  static let configuration = CommandConfiguration(commandName: "other")

  @OptionGroup(title: "Common") var common: CommonOptions
  @Option(help: "A text.") var title: String?
  @Option(help: "How loud.") var volume: Int?

  func execute(_ context: ToolContext) throws {}
}

struct ProbeTool: Tool {
  static let name = "lir-probe"
  static let configuration = CommandConfiguration(
    commandName: "lir-probe", subcommands: [Probe.self, Other.self], defaultSubcommand: Probe.self)
}

/// The command that arguments with a configuration file make.
func probe(_ yaml: String, _ arguments: [String] = []) throws -> Probe {
  let expanded = try expand(yaml, arguments)
  guard let command = try ProbeTool.parseAsRoot(expanded) as? Probe else {
    throw Failure(.software, "another command")
  }
  return command
}

func expand(_ yaml: String, _ arguments: [String] = []) throws -> [String] {
  let folder = try TemporaryFolder()
  try folder.write("c.yml", yaml)
  return try Configuration.expand(arguments + ["--config", folder("c.yml")], for: ProbeTool.self)
}
