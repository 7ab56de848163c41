import ArgumentParser
import Evaluation
import Streams
import ToolSupport
import Training

/// `lir-train plot`: `metrics.jsonl` as SVG.
struct PlotMetrics: ToolCommand {
  static let tool = LirTrain.name
  static let isSilent = true

  static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw losses, learning rate and measures of a training run.")

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("SVG file; - for the standard output.", valueName: "file"))
  var output: String = "-"

  @Argument(help: "Folder of a training run, or its metrics.jsonl; several are drawn together.")
  var runs: [String]

  func execute(_ context: ToolContext) throws {
    var runs: [MetricsFile] = []
    for run in self.runs {
      runs.append(try MetricsFile(run, name: self.runs.count > 1 ? "\(run): " : ""))
    }
    let writer = try ByteWriter(output, compression: Compression.none)
    try writer.write(Plot.file(MetricsPlots(runs).plots))
    try writer.finish()
  }
}
