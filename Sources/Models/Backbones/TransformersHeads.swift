import Autograd
import Failures
import Kernels

/// Names of the weights of a masked language model head in a checkpoint: dense, norm or a second layer,
/// decoder.
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
  /// Another name of the norm; nil for none.
  package var otherNorm: String?
  /// Whether there are outputs alone, as on a decoder, and no layer and norm in front.
  package var isBare = false
  /// Field of the width between two layers, which stand in front in the place of a layer and a norm; nil
  /// where they do not.
  package var betweenField: (name: String, default: Int)?
  /// Whether the outputs are the word embeddings where `tie_word_embeddings` is absent.
  package var tiesByDefault = true
  /// Whether dense and norm are as wide as the word embeddings, not as the backbone's states.
  package var isEmbeddingWide = false
  package var activation = HeadActivation.ofBackbone
  package var denseBias = HeadPart.always
  package var normBias = HeadPart.always
  package var decoderBias = HeadPart.always

  /// Fields of `config.json` that say how it is.
  var fields: [String] {
    activation.fields + [denseBias, normBias, decoderBias].flatMap(\.fields)
      + (betweenField.map { [$0.name] } ?? [])
  }
}

/// The head of a family's `…ForSequenceClassification` in transformers: perhaps a layer with an
/// activation, perhaps a norm, then the outputs.
package struct ClassifierHead: Sendable {
  /// Nil for none.
  package var pooler: String?
  package var poolerActivation: HeadActivation
  package var poolerBias = HeadPart.always
  /// Nil for none.
  package var norm: String?
  package var normBias = HeadPart.always
  /// Whether that layer is the backbone's, behind its prefix.
  package var isPoolerOfBackbone = false
  package var outputs: String
  package var hasOutputsBias = true
  /// What is pooled where no field says it.
  package var pooling = Pooling.first
  /// Field that says what is pooled; nil where there is none.
  package var poolingField: PoolingField?

  /// Fields of `config.json` that say how it is.
  var fields: [String] {
    poolerActivation.fields + [poolerBias, normBias].flatMap(\.fields)
      + (poolingField?.names ?? [])
  }
}

/// A field of `config.json` that says what a classifier pools.
package struct PoolingField: Sendable {
  private let name: String
  /// Its name on the hub, which counts where the first is absent; nil for none.
  private let nameOnHub: String?
  /// Its values, the one that is meant where it is absent first, and whether the classifier's first layer
  /// stands in front of the pooling.
  private let values: [(name: String, pooling: Pooling, isLate: Bool)]

  package init(
    _ name: String, onHub nameOnHub: String? = nil,
    _ values: [(String, Pooling, isLate: Bool)]
  ) {
    self.name = name
    self.nameOnHub = nameOnHub
    self.values = values.map { (name: $0.0, pooling: $0.1, isLate: $0.isLate) }
  }

  /// The state of the first token, or the mean of all.
  static let ofModernBert = PoolingField(
    "classifier_pooling", [("cls", .first, isLate: false), ("mean", .mean, isLate: false)])

  var names: [String] { [name, nameOnHub].compactMap { $0 } }

  /// What a folder's classifier pools, and whether its first layer stands in front of that.
  ///
  /// - Throws: 78 for a value that is not known.
  package func pooling(_ folder: ModelFolder) throws(Failure) -> (pooling: Pooling, isLate: Bool) {
    let field = names.first { folder.config[$0]?.isNull == false } ?? name
    let value = try folder.string(field, default: values[0].name) ?? values[0].name
    guard let found = values.first(where: { $0.name == value }) else {
      throw folder.invalid(field, expected: values.map(\.name).joined(separator: " or "))
    }
    return (found.pooling, found.isLate)
  }
}

extension LanguageModelHead {
  /// The outputs of a decoder.
  static func ofDecoder(tiesByDefault: Bool) -> LanguageModelHead {
    LanguageModelHead(
      names: LanguageModelNames(dense: "", norm: "", decoder: "lm_head.weight", biases: []),
      isBare: true, tiesByDefault: tiesByDefault, decoderBias: .never)
  }
}

extension ClassifierHead {
  /// Outputs from the last token's state, as transformers has them for every decoder.
  static let ofDecoder = ClassifierHead(
    pooler: nil, poolerActivation: .fixed(.none), outputs: "score", hasOutputsBias: false,
    pooling: .last)
}

/// Whether a head has a part.
package enum HeadPart: Sendable {
  case always, never
  /// As a field of `config.json` says.
  case ifField(String, default: Bool)

  /// Whether a folder's head has it.
  ///
  /// - Throws: 78 where the field is neither true nor false.
  func isThere(_ folder: ModelFolder) throws(Failure) -> Bool {
    switch self {
    case .always: true
    case .never: false
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
