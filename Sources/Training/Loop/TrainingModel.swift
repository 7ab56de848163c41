import Failures
import JSON
import Models

/// The model of a configuration, as its folder has it and as it is trained.
package struct TrainingModel: Sendable {
  /// The model as the folder and `model_config` have it.
  package let plain: ModelDescription
  /// Digest of the folder that the user named.
  package let digest: String
  /// The model with the dropout of the configuration.
  package let description: ModelDescription

  /// Fields of transformers' configurations that are rates of dropout.
  private static let rates = [
    "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout",
    "embedding_dropout", "mlp_dropout", "dropout_rate",
  ]

  /// Finds out what a configuration's model is.
  ///
  /// - Parameters:
  ///   - configuration: What to train.
  ///   - folders: Where the training begins, if the model's vocabulary has to grow.
  ///   - makesStart: Whether this process writes that beginning.
  /// - Throws: 78 where the folder is of no known kind, or the model has no dropout to set.
  package init(
    _ configuration: TrainingConfiguration, _ folders: CheckpointFolders, makesStart: Bool
  ) throws(Failure) {
    var folder = try ModelFolder(configuration.model, overrides: configuration.modelConfig)
    var plain = try ModelDescription(recognizing: folder)
    if folder.taskNames.isEmpty, try folder.differsByRole() {
      throw .config(
        folder.path, "a Router whose routes differ is not trained",
        hint: "train the model of each route by itself")
    }
    digest = try folder.digest()
    if let vocabulary = try VocabularyExtension(plain) {
      if makesStart {
        try folders.addStart(contents: try vocabulary.contents()) { path throws(Failure) in
          try vocabulary.write(into: path, seed: configuration.seed)
        }
      }
      folder = try ModelFolder(folders.start, overrides: folder.overrides)
      plain = try ModelDescription(recognizing: folder)
    }
    self.plain = plain
    description =
      try configuration.dropout.map { rate throws(Failure) in
        try Self.description(folder, dropout: rate, folder.overrides)
      } ?? plain
  }

  /// The model of a folder with another rate of dropout.
  ///
  /// - Parameters:
  ///   - folder: The model's.
  ///   - rate: The rate, from 0 to 1.
  ///   - modelConfig: What else stands in for the folder's configuration.
  /// - Returns: The model.
  /// - Throws: 78 where the model has no dropout.
  package static func description(
    _ folder: ModelFolder, dropout rate: Double, _ modelConfig: JSON?
  ) throws(Failure) -> ModelDescription {
    // Rates that the file does not name have defaults, which 0 is to stand for as well.
    let present = rates.filter { rate == 0 || folder.config[$0]?.double != nil }
    guard !present.isEmpty else {
      throw .config(folder.configPlace, "dropout: the model has no rate of it")
    }
    let overrides = (modelConfig?.members ?? []) + present.map { JSON.Member($0, .double(rate)) }
    return try ModelDescription(
      recognizing: ModelFolder(folder.path, overrides: .object(overrides)))
  }
}
