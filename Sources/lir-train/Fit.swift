import ArgumentParser
import Failures
import JSON
import MessagePassing
import ModelSupport
import ToolSupport
import Training

/// `lir-train`: a configuration to a model.
struct Fit: ToolCommand, ReadsOwnConfiguration {
  static let tool = "lir-train"

  static let configuration = CommandConfiguration(
    commandName: "fit", abstract: "Train a model (the default).",
    discussion: """
      The configuration says everything else: model, data, losses, optimizer, schedule, validation \
      and checkpoints. An unknown key is an error. The folder of --output gets the model, \
      train.yml (the configuration in force), metrics.jsonl, checkpoints/step-N, and a link best.
      """)

  @OptionGroup(title: "Common") var common: CommonOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("Folder of the training run.", valueName: "dir"))
  var output: String?

  @Option(
    help: ArgumentHelp("Model folder: a checkpoint or a bare backbone.", valueName: "dir"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Set a value of the configuration, such as losses.0.weight=0.5; may be repeated.",
      valueName: "path=value"))
  var set: [String] = []

  @OptionGroup var instructions: InstructionOptions
  @OptionGroup var resumption: ResumeOptions

  func configuration(_ settings: [Setting]) throws -> String {
    YAMLFile.text(try trainingConfiguration().effective)
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
      throw .usage("--config is missing", hint: "name a YAML file; man lir-train has one")
    }
    var json = try YAMLFile.read(file)
    let written = json
    for assignment in set {
      guard let sign = assignment.firstIndex(of: "="), sign != assignment.startIndex else {
        throw .usage("--set: expected PATH=VALUE, found \(assignment)")
      }
      let value = try YAMLFile.parse(
        String(assignment[assignment.index(after: sign)...]), place: "--set \(assignment)")
      json = try ConfigurationPath.set(String(assignment[..<sign]), value, in: json)
    }
    if let model { json = try ConfigurationPath.set("model", .string(model), in: json) }
    if common.seed.isGiven {
      guard let seed = Int(exactly: common.seed.value) else {
        throw .usage("--seed: expected at most \(Int.max), found \(common.seed)")
      }
      json = try ConfigurationPath.set("seed", .integer(seed), in: json)
    }
    do throws(Failure) { return try TrainingConfiguration(json, file: file) } catch {
      throw named(error, written)
    }
  }

  /// A failure of what `--set` has set is not the file's: of the key, of one below it, or of one
  /// beside or above it that the file, `written`, does not have.
  private func named(_ failure: Failure, _ written: JSON) -> Failure {
    let words = failure.message.split { " :,".contains($0) }
    func isMeant(_ path: Substring) -> Bool {
      let parts = path.split(separator: ".")
      let isNew = parts.first.map { written[String($0)] == nil } ?? false
      return words.contains { word in
        word == path || word.hasPrefix("\(path).") || parts.count > 1 && word == parts.last ?? ""
          || isNew && word.split(separator: ".").first == parts.first
      }
    }
    guard let path = set.compactMap({ $0.split(separator: "=").first }).last(where: isMeant) else {
      return failure
    }
    var named = failure
    named.place = "--set \(path)"
    return named
  }
}
