import ArgumentParser
import Records
import ToolSupport

@main
struct LirRerank: Tool {
  static let name = "lir-rerank"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Score the documents of a run anew with a cross-encoder or a bi-encoder.",
    subcommands: [Rerank.self, Fuse.self],
    defaultSubcommand: Rerank.self)
}

extension RunFormat: ExpressibleByArgument {}
