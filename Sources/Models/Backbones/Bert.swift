import Autograd
import Failures
import Kernels

/// BERT: post-norm transformer encoder with learned positions.
///
/// Devlin et al., arXiv:1810.04805; transformers 4.57.6 `models/bert/modeling_bert.py`.
package struct Bert: BertLike {
  package typealias Configuration = BertConfiguration

  package let segmentCount: Int
  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
      decoder: "cls.predictions.decoder.weight",
      biases: ["cls.predictions.bias", "cls.predictions.decoder.bias"]))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "bert.pooler.dense", poolerActivation: .fixed(.tanh), outputs: "classifier")
  package static let readsSets = true
  package static let measuredInBytes = ["lir-dpr"]

  init(_ configuration: BertConfiguration, _ weights: WeightScope) throws(Failure) {
    let fields = configuration.shared
    maximumTokens = configuration.longestText
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
    encoder(embeddings(batch, batch.positions, o), batch, onlyFirst: onlyFirst, o)
  }
}

/// BERT's fields of `config.json`, with the defaults of transformers' `BertConfig`.
package struct BertConfiguration: BackboneConfiguration {
  let shared: BertLikeFields
  let segments: Int

  package var longestText: Int { shared.maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    shared = try BertLikeFields(fields)
    segments = try fields.integer("type_vocab_size", in: FieldRanges.count, default: 2)
  }
}
