import Autograd
import Failures

/// A family of backbones: everything that depends on its name, and what reads its weights.
///
/// A new family is a file beside this one and a row of `Backbones`.
package protocol BackboneFamily: Sendable {
  associatedtype Configuration: BackboneConfiguration

  /// Names of the tensor of the word embeddings, of which every checkpoint has at least one, behind
  /// a prefix of its own.
  static var wordEmbeddings: [String] { get }

  /// The head of transformers' `…ForMaskedLM`; nil where there is no such class.
  static var languageModel: LanguageModelHead? { get }

  /// The head of transformers' `…ForSequenceClassification`; nil where none is read.
  static var classifier: ClassifierHead? { get }

  /// Whether a pair of texts is scored by the words that a decoder begins its answer with, as monoT5
  /// does, instead of by a classifier.
  static var answersInWords: Bool { get }

  /// Whether the documents of a query may attend to each other, as in a Set-Encoder.
  static var readsSets: Bool { get }

  /// Architectures of which is known what int8 costs, by `scripts/reference/precision.py`.
  static var measuredInBytes: [String] { get }

  /// Fields of transformers' configuration class that have no effect here.
  static var fieldsWithoutEffect: [String] { get }

  /// Fields that have one value here.
  static var limitedFields: [LimitedField] { get }

  /// Reads the weights.
  ///
  /// - Parameters:
  ///   - configuration: What `config.json` says.
  ///   - weights: The checkpoint's, behind its prefix.
  ///   - scoresPairs: Whether the model is a cross-encoder, so that a decoder is run if there is one.
  /// - Returns: The backbone.
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  static func load(
    _ configuration: Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone
}

/// Settings of a family's backbone in `config.json`: a field, its type and its default a line.
package protocol BackboneConfiguration: Sendable {
  /// Tokens of the longest text; `Int.max` where there is no limit.
  var longestText: Int { get }

  /// Reads the fields, and does no more: what they ask for is checked where weights are read.
  ///
  /// - Throws: 78 for a field that is missing or of another type.
  init(_ fields: ConfigurationReader) throws(Failure)
}

extension BackboneFamily {
  package static var languageModel: LanguageModelHead? { nil }
  package static var classifier: ClassifierHead? { nil }
  package static var answersInWords: Bool { false }
  package static var readsSets: Bool { false }
  package static var measuredInBytes: [String] { [] }
  package static var fieldsWithoutEffect: [String] { [] }
  package static var limitedFields: [LimitedField] { [] }

  /// Settings of the backbone in a folder's `config.json`.
  ///
  /// - Throws: 78 for a field that is missing or of another type.
  static func configuration(_ folder: ModelFolder) throws(Failure) -> Configuration {
    try Configuration(ConfigurationReader(folder))
  }

  /// Tokens of the longest text of a folder's model; `Int.max` where there is no limit.
  ///
  /// - Throws: 78 for a field that is missing or of another type.
  static func longestText(_ folder: ModelFolder) throws(Failure) -> Int {
    try configuration(folder).longestText
  }

  /// Reads the weights of a folder.
  ///
  /// - Throws: 78 for a field or a tensor that is missing, or that asks for what is not supported.
  static func load(
    _ folder: ModelFolder, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    let own = ConfigurationReader.names(of: Configuration.self)
    for field in LimitedField.all.filter({ !own.contains($0.name) }) + limitedFields {
      try field.check(folder)
    }
    return try load(configuration(folder), weights, scoresPairs: scoresPairs)
  }

  /// Names of all fields that a folder of this family may have.
  package static var fields: [String] {
    ConfigurationReader.names(of: Configuration.self) + fieldsWithoutEffect
      + limitedFields.map(\.name) + (languageModel?.fields ?? []) + (classifier?.fields ?? [])
  }
}
