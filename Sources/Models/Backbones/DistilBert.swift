import Autograd
import Failures
import Kernels

/// DistilBERT: BERT without token types, under names of its own.
///
/// Sanh et al., arXiv:1910.01108; transformers 4.57.6 `models/distilbert/modeling_distilbert.py`.
package struct DistilBert: BertLike {
  package typealias Configuration = DistilBertConfiguration

  /// The model has no field for it.
  private static let layerNormEpsilon = 1e-12

  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let encoder: PostNormEncoder

  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "vocab_transform", norm: "vocab_layer_norm", decoder: "vocab_projector.weight",
      biases: ["vocab_projector.bias"]))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "pre_classifier", poolerActivation: .fixed(.relu), outputs: "classifier")
  package static let fieldsWithoutEffect = [
    "qa_dropout", "seq_classif_dropout", "sinusoidal_pos_embds",
  ]

  private static let names = PostNormEncoder.Names(
    layer: "transformer.layer",
    projections: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
    intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm")

  init(_ configuration: DistilBertConfiguration, _ weights: WeightScope) throws(Failure) {
    maximumTokens = configuration.longestText
    shape = try EncoderShape(
      width: configuration.width, layers: configuration.layers, heads: configuration.heads,
      intermediateWidth: configuration.intermediateWidth,
      activation: configuration.activation,
      layerNormEpsilon: Self.layerNormEpsilon,
      dropout: DropoutRates(
        hidden: configuration.dropout, attention: configuration.attentionDropout,
        attentionOutput: 0),
      place: configuration.place)
    embeddings = try LearnedEmbeddings(
      weights, vocabulary: configuration.vocabularySize, positions: configuration.maximumPositions,
      segments: nil,
      width: shape.width, shape)
    encoder = try PostNormEncoder(shape, Self.names, weights)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    encoder(embeddings(batch, batch.positions, o), batch, onlyFirst: onlyFirst, o)
  }
}

/// DistilBERT's fields of `config.json`, with the defaults of transformers' `DistilBertConfig`.
package struct DistilBertConfiguration: BackboneConfiguration {
  let maximumPositions: Int
  let width: Int
  let layers: Int
  let heads: Int
  let intermediateWidth: Int
  let activation: Activation
  let dropout: Float
  let attentionDropout: Float
  let vocabularySize: Int
  /// Path of `config.json`, for messages.
  let place: String

  package var longestText: Int { maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.count)
    width = try fields.integer("dim", alias: "hidden_size", in: FieldRanges.width)
    layers = try fields.integer(
      "n_layers", alias: "num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer(
      "n_heads", alias: "num_attention_heads", in: FieldRanges.width)
    intermediateWidth = try fields.integer("hidden_dim", in: FieldRanges.width)
    activation = try fields.activation("activation", default: "gelu")
    dropout = try fields.rate("dropout", default: 0.1)
    attentionDropout = try fields.rate("attention_dropout", default: 0.1)
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    place = fields.place
  }
}
