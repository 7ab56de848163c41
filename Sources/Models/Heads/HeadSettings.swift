import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// Settings of a head in a model folder, read without its weights.
package protocol HeadSettings: Sendable {
  /// The values of `model_type` that Lightning IR gives models with this head.
  static var modelTypes: [String] { get }

  /// Fields of `config.json` that describe the head.
  static var fields: Set<String> { get }

  /// Describes a folder with Lightning IR's configuration, or a plain one for which
  /// `--model-config` says the same.
  ///
  /// - Throws: 78 where a field has a value that is not supported.
  static func describe(
    _ folder: ModelFolder, _ modelType: String
  ) throws(Failure) -> ModelDescription

  /// Describes a folder of sentence-transformers; nil where its modules are another head's.
  ///
  /// - Throws: 78 where they are this head's, and not supported.
  static func describe(
    _ folder: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription?

  /// `model_type` as Lightning IR would write it.
  var modelType: String { get }

  /// Settings of a cross-encoder's pairs; nil for a bi-encoder.
  var pairs: PairSettings? { get }

  /// Rule by which vectors of several tokens become one score; nil where a text has one vector.
  var interaction: LateInteraction? { get }

  /// Comparisons, in training, of each of the matrices that the head makes; the scores add up.
  ///
  /// - Parameter similarity: Dot product or distance.
  /// - Returns: A comparison for each matrix.
  func interactions(_ similarity: Similarity) -> [Interaction]

  /// Factors of these comparisons in a score.
  var interactionWeights: [Double] { get }

  /// Folders below the model's with weights of the head's own.
  var weightFolders: [String] { get }

  /// Whether the tokens of a prompt are pooled with the others.
  var poolsPrompt: Bool { get }

  /// The layers of the head as the folder's checkpoint calls them, and as Lightning IR does; none
  /// where the names are the same.
  ///
  /// - Parameter family: That of the backbone; nil for one that is not known.
  /// - Returns: Names of layers, without `.weight` and `.bias`.
  func layerNames(
    _ family: (any BackboneFamily.Type)?
  ) -> [(stored: String, lightningIR: String)]

  /// The tensor of Lightning IR with the head's output for each term, which other checkpoints may
  /// share with the word embeddings; nil for a head without.
  var tiedWeight: String? { get }

  /// Fields that a configuration of Lightning IR must have beside those that the folder has.
  var writtenFields: [JSON.Member] { get }

  /// Does what a field of Lightning IR says that a user gives for a folder of another form.
  ///
  /// - Parameters:
  ///   - key: The field's name.
  ///   - folder: The folder, whose configuration holds what the user gives.
  /// - Returns: Whether the field has a meaning for the head.
  /// - Throws: 78 for a value that is not supported.
  mutating func override(_ key: String, from folder: ModelFolder) throws(Failure) -> Bool

  /// Reads the weights.
  ///
  /// - Throws: 78 where a tensor is missing or has another shape; 65 where it is damaged.
  func load(_ loader: HeadLoader) throws(Failure) -> Head
}

extension HeadSettings {
  package static func describe(
    _ folder: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription? { nil }

  package var modelType: String { Self.modelTypes[0] }

  package var pairs: PairSettings? { nil }

  package var interaction: LateInteraction? { nil }

  package func interactions(_ similarity: Similarity) -> [Interaction] {
    guard let interaction else { return [Interaction(similarity)] }
    return [
      Interaction(
        similarity, query: interaction.queryAggregation, doc: interaction.docAggregation)
    ]
  }

  package var interactionWeights: [Double] { [] }

  package var weightFolders: [String] { [] }

  package var poolsPrompt: Bool { true }

  package func layerNames(
    _ family: (any BackboneFamily.Type)?
  ) -> [(stored: String, lightningIR: String)] { [] }

  package var tiedWeight: String? { nil }

  package var writtenFields: [JSON.Member] { [] }

  package mutating func override(
    _ key: String, from folder: ModelFolder
  ) throws(Failure) -> Bool { false }
}

/// Rule by which the similarities of two texts' vectors become one score
/// (Lightning IR `bi_encoder/bi_encoder_model.py`).
package struct LateInteraction: Sendable {
  package var queryAggregation = Aggregation.sum
  package var docAggregation = Aggregation.max
  /// Tokens whose vectors do not count.
  package var masked: [Role: MaskedTokens] = [:]
  /// Tokens whose vectors alone count; all where there are none.
  package var kept: [Role: [Int32]] = [:]

  package init(
    queryAggregation: Aggregation = .sum, docAggregation: Aggregation = .max,
    masked: [Role: MaskedTokens] = [:]
  ) {
    self.queryAggregation = queryAggregation
    self.docAggregation = docAggregation
    self.masked = masked
  }

  package var aggregations: Aggregations {
    Aggregations(query: queryAggregation, doc: docAggregation)
  }

  package enum MaskedTokens: Sendable, Equatable {
    /// ASCII punctuation.
    case punctuation
    case tokens([String])
    /// As `tokens`, but an unknown one is the tokenizer's unknown token, as in PyLate.
    case words([String])
    /// As `tokens`, but an unknown one masks nothing, as in sentence-transformers.
    case knownWords([String])

    /// Python's `string.punctuation` as words of PyLate.
    static var punctuationWords: MaskedTokens { .words(punctuationMarks.map { String($0) }) }

    /// Python's `string.punctuation`.
    static let punctuationMarks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
  }
}

/// Settings of a cross-encoder's pairs of a query and a document, and of their scores.
package struct PairSettings: Sendable {
  /// Activation of the logit, by the folder, where a user asks for the model's own score.
  package var activation: ScoreActivation
  /// Activations of the logit that a user may ask for.
  package var activations: Set<ScoreActivation>
  /// Lightning IR cuts query and document by decoding and encoding again; others cut the pair.
  package var cutsTextsFirst: Bool
  /// Parts of the sequence that a pair becomes; nil where the tokenizer makes it.
  package var pattern: [PairPatternPart]?
  /// Text that a pair is written into, in the place of what the tokenizer makes of it.
  package var chat: ChatTemplate?
  /// What is written where the folder does not say it, and its publisher does.
  package var recipe: AnswerRecipe?
  /// Settings of a Set-Encoder, in which the documents of a query see each other.
  package var set: SetSettings?

  /// Documents of a query that are scored together.
  package struct SetSettings: Sendable, Equatable {
    /// Most documents of a set.
    package var depth: Int
    /// Position of the token that documents attend to in each other.
    package var sharedToken: Int
    /// Whether training draws states for the documents that a smaller set lacks.
    package var drawsMissing: Bool
  }
}

/// Function of a cross-encoder's logit.
package enum ScoreActivation: String, Sendable, CaseIterable {
  case logit, sigmoid, softmax
}

/// Whose names the weights of a head have.
package enum HeadNaming: Sendable {
  /// Names of Lightning IR: `projection.dense`, `linear`, or what older versions wrote.
  case lightningIR
  /// Names of transformers: `cls.predictions.transform.dense`, `classifier`.
  case transformers
}
