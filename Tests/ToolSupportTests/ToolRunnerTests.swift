import ArgumentParser
import Failures
import TestSupport
import Testing
import ToolSupport

/// A command that fails as its options say.
struct Failing: ToolCommand {
  static let tool = "lir-fails"
  static let configuration = CommandConfiguration(commandName: "run")
  static var isSilent: Bool { true }

  @OptionGroup var common: CommonOptions
  @Option(help: "Exit status.") var status: Int = 0
  @Flag(help: "Fail with an error that no tool knows.") var strangely = false

  struct Strange: Error {}

  func execute(_ context: ToolContext) throws {
    if strangely { throw Strange() }
    if let status = ExitStatus(rawValue: Int32(status)) { throw Failure(status, "as asked for") }
  }
}

/// A second command, with an option that the first one lacks.
struct Succeeding: ToolCommand {
  static let tool = "lir-fails"
  static let configuration = CommandConfiguration(commandName: "succeed")
  static var isSilent: Bool { true }

  @OptionGroup var common: CommonOptions
  @Option(help: "Anything.") var really: String?

  func execute(_ context: ToolContext) throws {}
}

struct FailingTool: Tool {
  static let name = "lir-fails"
  static let configuration = CommandConfiguration(
    commandName: "lir-fails", subcommands: [Failing.self, Succeeding.self],
    defaultSubcommand: Failing.self)
}

/// What a command line comes to: parsing, running, and the status of the outcome.
@Suite struct ToolRunnerTests {
  private func status(_ arguments: [String]) -> Int32 {
    ToolRunner.attempt(FailingTool.self, arguments)
  }

  @Test func outcomes() {
    #expect(status([]) == 0)
    for expected: Int32 in [1, 64, 65, 66, 70, 73, 74, 75, 78] {
      #expect(status(["--status", "\(expected)"]) == expected)
    }
    #expect(status(["--strangely"]) == 70)
  }

  /// The default command is meant where no other is named, and the tool judges what it does not take.
  @Test func commands() {
    #expect(status(["run", "--status", "74"]) == 74)
    #expect(status(["succeed", "--really", "x"]) == 0)
    #expect(status(["--really", "x"]) == 64)
    #expect(status(["succeed", "--status", "74"]) == 64)
    #expect(status(["nonsense"]) == 64)
    #expect(status(["--status", "many"]) == 64)
    #expect(status(["--no-such-option", "--log-format", "json"]) == 64)
  }

  @Test func configuration() throws {
    let folder = try TemporaryFolder()
    try folder.write("c.yml", "status: 73\n")
    let file = folder("c.yml")
    #expect(status(["--config", file]) == 73)
    #expect(status(["--config", file, "--status", "65"]) == 65)
    #expect(status(["run", "--config", file]) == 73)
    // The other command has no such key.
    #expect(status(["succeed", "--config", file]) == 78)
    #expect(status(["--config", folder("none.yml")]) == 66)
    try folder.write("c.yml", "status: [")
    #expect(status(["--config", file]) == 65)
  }
}
