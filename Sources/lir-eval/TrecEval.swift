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
    usage: "lir-eval trec_eval [trec_eval's options] QRELS RUN",
    discussion: "A link to lir-eval with the name trec_eval does the same.")

  @Argument(parsing: .captureForPassthrough, help: "Arguments of trec_eval.")
  var arguments: [String] = []

  func run() throws { try Self.run(arguments, threads: nil) }

  /// A command line that asks for trec_eval.
  struct Call {
    /// Options of ours, in front of the command.
    var common: [String] = []
    var arguments: [String]
  }

  /// The arguments behind `lir-eval trec_eval`, or of a call by the name trec_eval; nil for others.
  static func call(by line: [String]) -> Call? {
    let name = line.first?.split(separator: "/").last
    if name == "trec_eval" { return Call(arguments: Array(line.dropFirst())) }
    let words = Array(line.dropFirst())
    // Nothing of ours stands in front of it but what all commands have.
    let leading = words.first == "trec_eval" ? 0 : CommandOrder.leading(words)
    guard leading < words.count, words[leading] == "trec_eval" else { return nil }
    return Call(common: Array(words[..<leading]), arguments: Array(words[(leading + 1)...]))
  }

  static func run(_ arguments: [String], threads: Int?) throws(Failure) {
    let options = try TrecOptions(arguments)
    if options.wantsHelp { return try StandardOutput.write(try TrecHelp.text(options)) }
    if options.wantsVersion {
      return try StandardOutput.write("lir-eval \(Release.version), after trec_eval 10.0\n")
    }
    let pool = WorkerPool(threads: try ToolContext.threads(threads))
    let evaluation = try TrecEvaluation(options, pool: pool)
    let writer = try ByteWriter("-", compression: Compression.none)
    try evaluation.write { text throws(Failure) in try writer.write(text) }
    try writer.finish()
  }
}
