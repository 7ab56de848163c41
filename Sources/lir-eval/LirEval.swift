import ArgumentParser
import Failures
import Glibc
import ToolSupport

@main
enum Main {
  static func main() {
    // trec_eval's flags are not ours: -q says more there, and less here.
    guard let arguments = TrecEval.arguments(of: CommandLine.arguments) else {
      return LirEval.main()
    }
    ProcessSurroundings.secure(tool: LirEval.name, json: false)
    do throws(Failure) {
      try TrecEval.run(arguments)
    } catch {
      Diagnostics(tool: LirEval.name).error(error)
      exit(error.status.rawValue)
    }
  }
}

struct LirEval: Tool {
  static let name = "lir-eval"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Evaluate runs against relevance judgements.",
    subcommands: [Evaluate.self, TrecEval.self, ShowProvenance.self],
    defaultSubcommand: Evaluate.self)
}
