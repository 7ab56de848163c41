import ArgumentParser
import Evaluation
import Failures
import Streams
import ToolSupport
import Workers

/// `lir-eval trec_eval`: trec_eval's arguments, trec_eval's output.
struct TrecEval: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trec_eval",
    abstract: "Take trec_eval's arguments and print what it prints; -h lists them.",
    discussion: "A link to lir-eval with the name trec_eval does the same.")

  @Argument(parsing: .captureForPassthrough, help: "Arguments of trec_eval.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments) }

  /// The arguments behind `lir-eval trec_eval`, or of a call by the name trec_eval; nil for others.
  static func arguments(of line: [String]) -> [String]? {
    let name = line.first?.split(separator: "/").last
    if name == "trec_eval" { return Array(line.dropFirst()) }
    return line.dropFirst().first == "trec_eval" ? Array(line.dropFirst(2)) : nil
  }

  static func run(_ arguments: [String]) throws(Failure) {
    let options = try TrecOptions(arguments)
    if options.wantsHelp { return try StandardOutput.write(try TrecHelp.text(options)) }
    if options.wantsVersion {
      return try StandardOutput.write("lir-eval \(Release.version), after trec_eval 10.0\n")
    }
    let pool = WorkerPool(threads: try ToolContext.threads(nil))
    let evaluation = try TrecEvaluation(options, pool: pool)
    let writer = try ByteWriter("-", compression: Compression.none)
    try evaluation.write { text throws(Failure) in try writer.write(text) }
    try writer.finish()
  }
}
