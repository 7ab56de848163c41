import Autograd
import Failures
import Kernels

/// Names of the weights of a masked language model head in a checkpoint: dense, norm, decoder.
package struct LanguageModelNames: Sendable {
  package var dense: String
  package var norm: String
  /// Weight of the decoder, absent where it is tied to the word embeddings.
  package var decoder: String
  /// The decoder's bias under its names, of which checkpoints have at least one.
  package var biases: [String]

  package init(dense: String, norm: String, decoder: String, biases: [String]) {
    self.dense = dense
    self.norm = norm
    self.decoder = decoder
    self.biases = biases
  }
}

/// The head of a family's `…ForMaskedLM` in transformers.
package struct LanguageModelHead: Sendable {
  package var names: LanguageModelNames
  /// Whether dense and norm are as wide as the word embeddings, not as the backbone's states.
  package var isEmbeddingWide = false
  package var activation = HeadActivation.ofBackbone
  package var denseBias = HeadPart.always
  package var normBias = HeadPart.always
  package var decoderBias = HeadPart.always

  /// Fields of `config.json` that say how it is.
  var fields: [String] { activation.fields + [denseBias, normBias, decoderBias].flatMap(\.fields) }
}

/// The head of a family's `…ForSequenceClassification` in transformers: a layer with an activation,
/// perhaps a norm, then the outputs.
package struct ClassifierHead: Sendable {
  package var pooler: String
  package var poolerActivation: HeadActivation
  package var poolerBias = HeadPart.always
  /// Nil for none.
  package var norm: String?
  package var normBias = HeadPart.always
  package var outputs: String
  /// Field that says whether the first token's state is pooled, `cls`, or all, `mean`; nil where it
  /// is always the first.
  package var poolingField: String?

  /// Fields of `config.json` that say how it is.
  var fields: [String] {
    poolerActivation.fields + [poolerBias, normBias].flatMap(\.fields)
      + (poolingField.map { [$0] } ?? [])
  }
}

/// Whether a head has a part.
package enum HeadPart: Sendable {
  case always
  /// As a field of `config.json` says.
  case ifField(String, default: Bool)

  /// Whether a folder's head has it.
  ///
  /// - Throws: 78 where the field is neither true nor false.
  func isThere(_ folder: ModelFolder) throws(Failure) -> Bool {
    switch self {
    case .always: true
    case .ifField(let name, let fallback): try folder.bool(name, default: fallback)
    }
  }

  fileprivate var fields: [String] {
    if case .ifField(let name, _) = self { [name] } else { [] }
  }
}

/// The activation function of a head.
package enum HeadActivation: Sendable {
  /// That of the backbone's layers.
  case ofBackbone
  case fixed(Activation)
  /// As a field of `config.json` says.
  case field(String, default: String)

  /// The function in a folder's head.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - backbone: The function in the layers.
  /// - Returns: The function.
  /// - Throws: 78 where the field names none that is supported.
  func function(_ folder: ModelFolder, backbone: Activation) throws(Failure) -> Activation {
    switch self {
    case .ofBackbone: backbone
    case .fixed(let activation): activation
    case .field(let name, let fallback):
      try ActivationName.parse(
        try folder.string(name, default: fallback) ?? fallback, of: name, at: folder.configPlace)
    }
  }

  fileprivate var fields: [String] {
    if case .field(let name, _) = self { [name] } else { [] }
  }
}
