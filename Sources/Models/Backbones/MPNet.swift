import Autograd
import Failures
import Kernels

/// MPNet: RoBERTa's positions without token types, and a bias by the distance of two tokens.
///
/// Song et al., arXiv:2004.09297; transformers 4.57.6 `models/mpnet/modeling_mpnet.py`.
package struct MPNet: BertLike {
  package typealias Configuration = MPNetConfiguration

  /// The padding token's id, whatever the configuration says.
  static let paddingID: Int32 = 1
  static let buckets = 32
  private static let maximumDistance = 128

  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  package static let languageModel: LanguageModelHead? = Roberta.languageModel
  package static let classifier: ClassifierHead? = Roberta.classifier

  private static let names = PostNormEncoder.Names(
    layer: "encoder.layer",
    projections: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
    attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm",
    intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")

  init(_ configuration: MPNetConfiguration, _ weights: WeightScope) throws(Failure) {
    let (fields, buckets) = (configuration.shared, configuration.buckets)
    maximumTokens = configuration.longestText
    guard maximumTokens > 0 else {
      throw .config(
        fields.place, "max_position_embeddings \(fields.maximumPositions) is too small")
    }
    guard buckets == Self.buckets else {
      throw .config(
        fields.place,
        "relative_attention_num_buckets \(buckets) is not supported: the model uses \(Self.buckets)"
      )
    }
    shape = try EncoderShape(bertLike: fields)
    embeddings = try LearnedEmbeddings(
      weights, vocabulary: fields.vocabularySize, positions: fields.maximumPositions, segments: nil,
      width: shape.width, shape)
    let table = try weights.parameter(
      "encoder.relative_attention_bias.weight", [buckets, shape.heads])
    encoder = try PostNormEncoder(
      shape, Self.names, weights,
      attention: AttentionOptions(
        relative: RelativePositions(table: table, maximumDistance: Self.maximumDistance)))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(
      embeddings(batch, batch.positions(padding: Self.paddingID), o), batch, onlyFirst: onlyFirst, o
    )
  }
}

/// MPNet's fields of `config.json`, with the defaults of transformers' `MPNetConfig`.
package struct MPNetConfiguration: BackboneConfiguration {
  let shared: BertLikeFields
  let buckets: Int

  /// Positions behind the padding token's.
  package var longestText: Int { shared.maximumPositions - Int(MPNet.paddingID) - 1 }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    shared = try BertLikeFields(fields)
    buckets = try fields.integer(
      "relative_attention_num_buckets", in: FieldRanges.width, default: MPNet.buckets)
  }
}
