import ArgumentParser
import ToolSupport

/// The options of a command that reads records and runs a model, in the order in which its help has
/// them.
package struct RecordCommandOptions: ParsableArguments {
  @OptionGroup(title: "Common") package var common: CommonOptions
  @OptionGroup(title: "Model") package var model: ModelOptions
  @OptionGroup(title: "Input") package var records: RecordOptionsGroup
  @OptionGroup(title: "Output") package var output: OutputOptions
  @OptionGroup package var resumption: ResumeOptions
  @OptionGroup package var shards: ShardOptions

  package init() {}
}

/// A command that reads records and runs a model.
package protocol RecordCommand: ToolCommand {
  var shared: RecordCommandOptions { get }
}

extension RecordCommand {
  package var common: CommonOptions { shared.common }
  package var modelOptions: ModelOptions { shared.model }
  package var records: RecordOptionsGroup { shared.records }
  package var output: OutputOptions { shared.output }
  package var resumption: ResumeOptions { shared.resumption }
  package var shards: ShardOptions { shared.shards }
}
