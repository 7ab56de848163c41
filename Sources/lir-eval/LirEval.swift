import ArgumentParser
import ToolSupport

@main
struct LirEval: Tool {
  static let name = "lir-eval"

  static let configuration = CommandConfiguration(
    commandName: "lir-eval",
    abstract: "Evaluate runs against relevance judgements.",
    subcommands: [Evaluate.self, ShowProvenance.self],
    defaultSubcommand: Evaluate.self)
}
