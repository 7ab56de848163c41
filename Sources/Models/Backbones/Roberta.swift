import Autograd
import Failures
import Kernels

/// RoBERTa and XLM-RoBERTa: BERT whose positions begin behind the padding token's id.
///
/// Liu et al., arXiv:1907.11692; Conneau et al., arXiv:1911.02116; transformers 4.57.6
/// `models/roberta/modeling_roberta.py`.
package struct Roberta: BertLike {
  package typealias Configuration = RobertaConfiguration

  package let segmentCount: Int
  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let paddingID: Int32
  private let encoder: PostNormEncoder

  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "lm_head.dense", norm: "lm_head.layer_norm", decoder: "lm_head.decoder.weight",
      biases: ["lm_head.bias", "lm_head.decoder.bias"]),
    activation: .fixed(.gelu))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "classifier.dense", poolerActivation: .fixed(.tanh), outputs: "classifier.out_proj")

  init(_ configuration: RobertaConfiguration, _ weights: WeightScope) throws(Failure) {
    let fields = configuration.shared
    maximumTokens = configuration.longestText
    try fields.check(textsOf: maximumTokens, behind: configuration.paddingID)
    paddingID = Int32(configuration.paddingID)
    segmentCount = configuration.segments
    shape = try EncoderShape(bertLike: fields)
    embeddings = try LearnedEmbeddings(
      weights, vocabulary: fields.vocabularySize, positions: fields.maximumPositions,
      segments: segmentCount, width: shape.width, shape)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(
      embeddings(batch, batch.positions(padding: paddingID), o), batch, onlyFirst: onlyFirst, o)
  }
}

/// RoBERTa's fields of `config.json`, with the defaults of transformers' `RobertaConfig`.
package struct RobertaConfiguration: BackboneConfiguration {
  let shared: BertLikeFields
  let paddingID: Int
  let segments: Int

  /// Positions behind the padding token's.
  package var longestText: Int { shared.maximumPositions - paddingID - 1 }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    shared = try BertLikeFields(fields)
    paddingID = try fields.integer("pad_token_id", in: FieldRanges.token, default: 1)
    segments = try fields.integer("type_vocab_size", in: FieldRanges.count, default: 2)
  }
}
