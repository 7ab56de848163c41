import ArgumentParser
import Failures
import Glibc
import ToolSupport

@main
enum Main {
  static func main() {
    // trec_eval's flags are not ours: -q says more there, and less here.
    guard let call = TrecEval.call(by: CommandLine.arguments) else { return LirEval.main() }
    ProcessSurroundings.secure(tool: LirEval.name, json: false)
    var diagnostics = Diagnostics(tool: LirEval.name)
    do {
      let common = try CommonOptions.parse(call.common)
      diagnostics.format = common.logFormat
      try TrecEval.run(call.arguments, threads: common.threads)
    } catch let failure as Failure {
      diagnostics.error(failure)
      exit(failure.status.rawValue)
    } catch {
      diagnostics.error(Failure(.usage, CommonOptions.message(for: error)))
      exit(ExitStatus.usage.rawValue)
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
