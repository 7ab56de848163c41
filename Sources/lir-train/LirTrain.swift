import ArgumentParser
import MessagePassing
import ToolSupport

@main
struct LirTrain: Tool {
  static let name = "lir-train"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Train a model to rank.",
    subcommands: [Fit.self, Sample.self, Export.self, PlotMetrics.self],
    defaultSubcommand: Fit.self)

  static var libraries: [String] { [MessagePassing.library].compactMap { $0 } }
}
