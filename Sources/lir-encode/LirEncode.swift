import ArgumentParser
import ToolSupport

@main
struct LirEncode: Tool {
  static let name = "lir-encode"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Turn texts or tokens into embeddings with a model.",
    subcommands: [Encode.self, Cat.self, View.self, Verify.self],
    defaultSubcommand: Encode.self)
}
