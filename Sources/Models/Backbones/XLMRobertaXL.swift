import Autograd
import Failures
import Kernels

/// XLM-RoBERTa XL and XXL: RoBERTa whose norms stand in front of attention and network.
///
/// Goyal et al., arXiv:2105.00572; transformers 5.24
/// `models/xlm_roberta_xl/modeling_xlm_roberta_xl.py`.
package struct XLMRobertaXL: BertLike {
  package typealias Configuration = XLMRobertaXLConfiguration

  package let segmentCount: Int
  package let maximumTokens: Int
  let shape: EncoderShape
  let embeddings: LearnedEmbeddings
  private let paddingID: Int32
  private let layers: [Layer]
  private let finalNorm: LayerNorm

  private struct Layer: Sendable {
    let attentionNorm: LayerNorm
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let norm: LayerNorm
    let intermediate: Linear
    let output: Linear
  }

  package static let languageModel: LanguageModelHead? = Roberta.languageModel
  package static let classifier: ClassifierHead? = Roberta.classifier

  init(_ configuration: XLMRobertaXLConfiguration, _ weights: WeightScope) throws(Failure) {
    let fields = configuration.shared
    maximumTokens = configuration.longestText
    try fields.check(textsOf: maximumTokens, behind: configuration.paddingID)
    paddingID = Int32(configuration.paddingID)
    segmentCount = configuration.segments
    shape = try EncoderShape(bertLike: fields)
    embeddings = try LearnedEmbeddings(
      weights, vocabulary: fields.vocabularySize, positions: fields.maximumPositions,
      segments: segmentCount, width: shape.width, shape, hasNorm: false)
    var layers: [Layer] = []
    for i in 0..<shape.layers {
      layers.append(try Self.layer(weights("encoder.layer.\(i)"), shape))
    }
    self.layers = layers
    finalNorm = try weights.layerNorm(
      "encoder.LayerNorm", width: shape.width, epsilon: shape.layerNormEpsilon)
  }

  private static func layer(_ weights: WeightScope, _ shape: EncoderShape) throws(Failure) -> Layer
  {
    let (width, inner, epsilon) = (shape.width, shape.intermediateWidth, shape.layerNormEpsilon)
    let names = PostNormEncoder.Names.bert
    return Layer(
      attentionNorm: try weights.layerNorm(
        "attention.self_attn_layer_norm", width: width, epsilon: epsilon),
      queryKeyValue: try weights.linear(names.projections, inputs: width, outputs: width),
      attentionOutput: try weights.linear(names.attentionOutput, inputs: width, outputs: width),
      norm: try weights.layerNorm("LayerNorm", width: width, epsilon: epsilon),
      intermediate: try weights.linear(names.intermediate, inputs: width, outputs: inner),
      output: try weights.linear(names.output, inputs: inner, outputs: width))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = embeddings(batch, batch.positions(padding: paddingID), o)
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, batch, onlyFirst: narrows, o) }
    }
    return o.layerNorm(x, finalNorm)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let options = AttentionOptions(isCausal: shape.isCausal).dropping(shape.dropout.attention)
      .following(layer.queryKeyValue)
    let qkv = o.linear(o.layerNorm(x, layer.attentionNorm), layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: shape.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let attended = o.linear(
      context, layer.attentionOutput, adding: x, dropout: shape.dropout.attentionOutput, batch)
    let inner = o.linear(
      o.layerNorm(attended, layer.norm), layer.intermediate, shape.activation)
    return o.linear(inner, layer.output, adding: attended)
  }
}

/// XLM-RoBERTa XL's fields of `config.json`, with the defaults of transformers' class.
package struct XLMRobertaXLConfiguration: BackboneConfiguration {
  let shared: BertLikeFields
  let paddingID: Int
  let segments: Int

  /// Positions behind the padding token's.
  package var longestText: Int { shared.maximumPositions - paddingID - 1 }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    shared = try BertLikeFields(fields, epsilon: 1e-5)
    paddingID = try fields.integer("pad_token_id", in: FieldRanges.token, default: 1)
    segments = try fields.integer("type_vocab_size", in: FieldRanges.count, default: 1)
  }
}
