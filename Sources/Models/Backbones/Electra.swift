import Autograd
import Failures
import Kernels

/// ELECTRA's discriminator: BERT whose embeddings may be narrower than its layers.
///
/// Clark et al., arXiv:2003.10555; transformers 4.57.6 `models/electra/modeling_electra.py`.
package struct Electra: BertLike {
  package typealias Configuration = ElectraConfiguration

  package let segmentCount: Int
  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  /// Nil where the embeddings are as wide as the layers.
  private let projection: Linear?
  private let encoder: PostNormEncoder

  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "generator_predictions.dense", norm: "generator_predictions.LayerNorm",
      decoder: "generator_lm_head.weight", biases: ["generator_lm_head.bias"]),
    isEmbeddingWide: true, activation: .fixed(.gelu))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "classifier.dense", poolerActivation: .fixed(.gelu), outputs: "classifier.out_proj")
  package static let readsSets = true
  package static let fieldsWithoutEffect = [
    "summary_activation", "summary_last_dropout", "summary_type", "summary_use_proj",
  ]

  init(_ configuration: ElectraConfiguration, _ weights: WeightScope) throws(Failure) {
    let (fields, narrow) = (configuration.shared, configuration.embeddingWidth)
    maximumTokens = configuration.longestText
    segmentCount = configuration.segments
    shape = try EncoderShape(bertLike: fields)
    embeddings = try LearnedEmbeddings(
      weights, vocabulary: fields.vocabularySize, positions: fields.maximumPositions,
      segments: segmentCount, width: narrow, shape)
    projection =
      narrow == shape.width
      ? nil : try weights.linear("embeddings_project", inputs: narrow, outputs: shape.width)
    encoder = try PostNormEncoder(shape, .bert, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = embeddings(batch, batch.positions, o)
    if let projection { x = o.linear(x, projection) }
    return encoder(x, batch, onlyFirst: onlyFirst, o)
  }
}

/// ELECTRA's fields of `config.json`, with the defaults of transformers' `ElectraConfig`.
package struct ElectraConfiguration: BackboneConfiguration {
  let shared: BertLikeFields
  let segments: Int
  let embeddingWidth: Int

  package var longestText: Int { shared.maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    shared = try BertLikeFields(fields)
    segments = try fields.integer("type_vocab_size", in: FieldRanges.count, default: 2)
    embeddingWidth = try fields.integer("embedding_size", in: FieldRanges.width, default: 128)
  }
}
