import Failures
import Streams

/// Writes what a training run leaves: checkpoints, the best of them, and the model at the end.
///
/// After a kill at any moment `settle` and `finish` do again what was not done.
package struct CheckpointWriter {
  private let folders: CheckpointFolders
  private let training: TrainingRun
  private let model: ModelFolderWriter
  private let identity: RunIdentity
  /// The configuration in force, as YAML.
  private let configuration: String

  /// Name of the file with the configuration in force.
  package static let configurationFile = "train.yml"

  /// - Parameters:
  ///   - folders: Where it all goes.
  ///   - training: The run.
  ///   - model: Writes the run's model.
  ///   - identity: What decides the run.
  ///   - configuration: The configuration in force, as YAML.
  package init(
    _ folders: CheckpointFolders, _ training: TrainingRun, _ model: ModelFolderWriter,
    _ identity: RunIdentity, configuration: String
  ) {
    self.folders = folders
    self.training = training
    self.model = model
    self.identity = identity
    self.configuration = configuration
  }

  /// Writes the configuration in force.
  ///
  /// - Throws: 73 or 74 where it cannot be written.
  package func writeConfiguration(into folder: String) throws(Failure) {
    let file = try ByteWriter(
      "\(folder)/\(Self.configurationFile)", compression: Compression.none)
    try file.write(configuration)
    try file.finish()
  }

  /// Adds a checkpoint of the current step.
  ///
  /// - Throws: 73 or 74 where it cannot be written, 1 where a weight is not finite.
  package func add(_ state: TrainingState) throws(Failure) {
    try training.checkWeights()
    try folders.add(
      state.step, contents: model.contents + [TrainingState.fileName, Self.configurationFile]
    ) { folder throws(Failure) in
      try model.write(into: folder)
      try writeConfiguration(into: folder)
      try training.save(state, identity, weights: model.weightFiles, into: folder)
    }
    try settle(state)
  }

  /// Does what follows a checkpoint: marks the best one, and removes those that are too many.
  ///
  /// - Throws: 74 where a folder cannot be changed.
  package func settle(_ state: TrainingState) throws(Failure) {
    if let best = state.best, try folders.steps().contains(best.step) {
      try folders.markBest(best.step)
    }
    try folders.prune(
      keeping: training.configuration.checkpointsKept, best: state.best?.step)
  }

  /// Writes the trained model, and marks the run as done.
  ///
  /// - Throws: 73 or 74 where it cannot be written, 1 where a weight is not finite.
  package func finish() throws(Failure) {
    try training.checkWeights()
    try folders.sweep(
      model.contents + [
        Self.configurationFile, "metrics.jsonl", "best", "start", CheckpointFolders.doneFile,
        FolderDigests.fileName,
      ])
    try model.write(into: folders.root)
    try folders.checkClaim()
    try CheckpointFolders.finish(
      folders.root, model.contents + [Self.configurationFile], origin: identity.origin)
  }
}
