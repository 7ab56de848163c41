import ArgumentParser
import Encoding
import Failures
import IndexFormat
import IndexSupport
import ModelSupport
import Models
import ToolSupport

@main
struct LirSearch: Tool, ToolCommand, TakesDeclaredOptions {
  static let name = "lir-search"
  static let tool = name

  static let configuration = CommandConfiguration(
    commandName: name, abstract: "Find the best documents of an index for every query.")

  static let withoutEffect = ["index", "tag", "filter", "latency", "batch-tokens"]

  @OptionGroup(title: "Common") var common: CommonOptions
  @OptionGroup(title: "Model") var modelOptions: ModelOptions
  @OptionGroup(title: "Input") var records: RecordOptionsGroup
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup var resumption: ResumeOptions
  @OptionGroup var shards: ShardOptions

  @Option(help: ArgumentHelp("Folder of the index.", valueName: "dir"))
  var index: String

  @Option(
    name: .customShort("k", allowingJoined: true),
    help: ArgumentHelp("Documents a query.", valueName: "n"))
  var k: Int = 1000

  @Option(help: "Last column of the run. (default: the tool's name and 8 digits of what made it)")
  var tag: String?

  @Option(
    help: ArgumentHelp(
      "Documents that may be found: an id a line, or a query and an id a line. Others are left out before the best are chosen.",
      valueName: "file"))
  var filter: String?

  @Flag(help: "Leave out the document with the query's own id.")
  var dropSelf = false

  @Flag(help: "Add the 50th, 95th and 99th percentile of a query's time to the summary.")
  var latency = false

  @Option(
    help: ArgumentHelp(
      "Tokens that are computed at once where queries are text. The output does not depend on it.",
      valueName: "n"))
  var batchTokens: Int = BatchEncoder.defaultBatchTokens

  @OptionGroup var computation: PrecisionOptions

  @Argument(
    help:
      "Queries: a tensor stream, or text records with --model; - or nothing for the standard input."
  )
  var inputs: [String] = []

  var ownerOfOptions: String? { (try? IndexManifest(folder: index))?.type }

  static func declaredOptions(of subcommand: String?) -> [DeclaredOption]? {
    DeclaredOption.parameters(.search)
  }

  func execute(_ context: ToolContext) throws {
    let calibration = try calibrate(context)
    if let calibration, computation.precision == .f32 {
      return try context.answer(calibration, into: output)
    }
    try SearchJob(self, context, calibration).run()
  }

  /// What `--calibrate` finds on queries; nil where it is not said.
  private func calibrate(_ context: ToolContext) throws(Failure) -> Calibration? {
    try Calibration.ask(
      computation, batchTokens: batchTokens, operands: inputs,
      others: [("--shard", shards.shard != nil), ("--resume", resumption.resume)],
      context.diagnostics
    ) { file throws(Failure) in
      try Calibration(texts: file, records, context.diagnostics) { () throws(Failure) in
        try TextEmbedder(
          modelOptions.load(for: .query, LayerPrecisions.calibrating, context.diagnostics), .query,
          context.pool, modelOptions.instructions.kernels(), batchTokens: batchTokens)
      }
    }
  }
}
