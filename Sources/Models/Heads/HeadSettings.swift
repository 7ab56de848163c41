import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// What a model folder says of a head, found out without reading its weights.
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

  /// How pairs are read, of a cross-encoder; nil for a bi-encoder.
  var pairs: PairSettings? { get }

  /// How vectors of several tokens become one score; nil where a text has one vector.
  var interaction: LateInteraction? { get }

  /// How training compares each of the matrices that the head makes; the scores add up.
  ///
  /// - Parameter similarity: Dot product or distance.
  /// - Returns: A comparison for each matrix.
  func interactions(_ similarity: Similarity) -> [Interaction]

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

  package var poolsPrompt: Bool { true }

  package func layerNames(
    _ family: (any BackboneFamily.Type)?
  ) -> [(stored: String, lightningIR: String)] { [] }

  package var tiedWeight: String? { nil }

  package var writtenFields: [JSON.Member] { [] }
}

/// How the similarities of two texts' vectors become one score
/// (Lightning IR `bi_encoder/bi_encoder_model.py`).
package struct LateInteraction: Sendable {
  package var queryAggregation = Aggregation.sum
  package var docAggregation = Aggregation.max
  /// Tokens whose vectors do not count.
  package var masked: [Role: MaskedTokens] = [:]

  package enum MaskedTokens: Sendable, Equatable {
    /// ASCII punctuation.
    case punctuation
    case tokens([String])
    /// As `tokens`, but an unknown one is the tokenizer's unknown token, as in PyLate.
    case words([String])
  }
}

/// How a cross-encoder reads a query and a document, and what its scores may be.
package struct PairSettings: Sendable {
  /// What the folder says is done to the logit where a user asks for the model's own score.
  package var activation: ScoreActivation
  /// What may be done to it.
  package var activations: Set<ScoreActivation>
  /// Lightning IR cuts query and document by decoding and encoding again; others cut the pair.
  package var cutsTextsFirst: Bool
  /// What a pair becomes; nil for what the tokenizer makes of it.
  package var pattern: [PairPatternPart]?
  /// How the documents of a query see each other, in a Set-Encoder.
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

/// What is done to a cross-encoder's logit.
package enum ScoreActivation: String, Sendable, CaseIterable {
  case logit, sigmoid, softmax
}

/// Whose names the weights of a head have.
package enum HeadNaming: Sendable {
  /// Those of Lightning IR: `projection.dense`, `linear`, or what older versions wrote.
  case lightningIR
  /// Those of transformers: `cls.predictions.transform.dense`, `classifier`.
  case transformers
}
