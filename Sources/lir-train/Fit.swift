import ArgumentParser
import Failures
import JSON
import MessagePassing
import ModelSupport
import ToolSupport
import Training

/// `lir-train`: a configuration to a model.
struct Fit: ToolCommand, ReadsOwnConfiguration {
  static let tool = LirTrain.name

  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Train a model to rank.",
    usage: "lir-train --config FILE [--set PATH=VALUE]... [OPTIONS] -o DIR",
    discussion: """
      The configuration says everything else: model, data, losses, optimizer, schedule, validation \
      and checkpoints. An unknown key is an error. The folder of --output gets the model, \
      train.yml (the configuration in force), metrics.jsonl, checkpoints/step-N, and a link best.
      """)

  static let examples = ["lir-train --config train.yml -o trained"]

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder of the training run.", valueName: "dir"))
  var output: String?

  static let outputIsFolder = true

  @Option(
    help: ArgumentHelp("Model folder: a checkpoint or a bare backbone.", valueName: "dir"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Set a value of the configuration, such as losses.0.weight=0.5; may be repeated.",
      valueName: "path=value"))
  var set: [String] = []

  @OptionGroup(title: "Model") var instructions: InstructionOptions
  @OptionGroup(title: "Output") var resumption: ResumeOptions

  func configuration(_ settings: [Setting]) throws -> String {
    guard common.config != nil else { return try template() }
    return YAMLFile.text(try trainingConfiguration().effective)
  }

  /// A configuration to be filled in, with what the command line says of it.
  private func template() throws(Failure) -> String {
    let json = try inForce(.object([])).json
    var text = "# A configuration of lir-train; lir-train(1) describes every key.\n"
    for line in ConfigurationTemplate.lines(json) {
      let key = line.path.split(separator: ".").last ?? ""
      let indent = line.path.contains(".") ? "  " : ""
      let value = line.value.map { " " + YAMLFile.flow($0) } ?? ""
      text += "\(indent)\(key):\(value)\(line.comment.isEmpty ? "" : "  # \(line.comment)")\n"
    }
    return text
  }

  func reported(_ failure: Failure) -> Failure { MessagePassing.ownPart(of: failure) }

  func execute(_ context: ToolContext) throws {
    let hint = "name the folder of the training run"
    guard let output else { throw Failure.usage("--output is missing", hint: hint) }
    guard output != "-" else {
      throw Failure.usage("--output: expected a folder, found -", hint: hint)
    }
    let configuration = try trainingConfiguration()
    let ranks = try MessagePassing.join()
    let beginning = CheckpointFolders.Beginning(output)
    let job: FitJob
    do throws(Failure) {
      job = try FitJob(
        configuration, output, resumes: resumption.resume, instructions.kernels(), ranks, context)
    } catch {
      if ranks?.isFirst ?? true { beginning.restore() }
      throw error
    }
    try job.run()
    ranks?.leave()
  }

  /// The configuration in force: the file, `--set`, and the flags.
  private func trainingConfiguration() throws(Failure) -> TrainingConfiguration {
    guard let file = common.config else {
      throw .usage(
        "--config is missing",
        hint: "name a YAML file; lir-train --print-config writes one to fill in")
    }
    let written = try YAMLFile.read(file)
    let (json, assignments) = try inForce(written)
    do throws(Failure) { return try TrainingConfiguration(json, file: file) } catch {
      throw assignments.placing(error, written: written)
    }
  }

  /// A configuration with `--set` and the flags in it.
  private func inForce(
    _ written: JSON
  ) throws(Failure) -> (json: JSON, assignments: ConfigurationAssignments) {
    let assignments = try ConfigurationAssignments(set, parse: YAMLFile.parse)
    var json = try assignments.applied(to: written)
    if let model { json = try ConfigurationPath.set("model", .string(model), in: json) }
    if common.seed.isGiven {
      guard let seed = Int(exactly: common.seed.value) else {
        throw .usage("--seed: expected at most \(Int.max), found \(common.seed)")
      }
      json = try ConfigurationPath.set("seed", .integer(seed), in: json)
    }
    return (json, assignments)
  }
}
