import Failures
import Models
import Tokenizers

/// A model with its tokenizer.
package struct LoadedModel: Sendable {
  package let model: Model
  package let tokenizer: Tokenizer

  package var description: ModelDescription { model.description }

  /// Rows that frameworks add to an embedding table so that its size is a round number.
  private static let maximumPadding = 128

  /// Puts a model and a tokenizer together.
  ///
  /// - Throws: 78 where they do not belong together: another vocabulary would give other tokens than
  ///   the model was trained with, and no error.
  package init(_ model: Model, _ tokenizer: Tokenizer) throws(Failure) {
    self.model = model
    self.tokenizer = tokenizer
    let rows = model.backbone.vocabularySize
    let largest = Int(tokenizer.largestID)
    guard largest < rows, rows - largest <= Self.maximumPadding else {
      throw .config(
        model.description.folder.path,
        "the tokenizer has \(largest + 1) tokens, the embedding table \(rows) rows: "
          + "they belong to different models")
    }
  }
}
