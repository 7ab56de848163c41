import Autograd
import Failures
import Kernels

/// ModernBERT: norms in front of the layers, rotary positions, gates, and attention that looks at
/// the neighbourhood in most layers.
///
/// Warner et al., arXiv:2412.13663; transformers 4.57.6
/// `models/modernbert/modeling_modernbert.py`.
package struct ModernBert: Backbone, BackboneFamily {
  package let vocabularySize: Int
  package var layerCount: Int { layers.count }
  package let maximumTokens: Int
  private let shape: EncoderShape
  package let wordEmbeddings: Parameter
  private let embeddingNorm: LayerNorm
  private let embeddingDropout: Float
  private let layers: [Layer]
  private let finalNorm: LayerNorm

  package var width: Int { shape.width }
  package var activation: Activation { shape.activation }
  package var normEpsilon: Double { shape.layerNormEpsilon }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  private struct Layer: Sendable {
    /// Nil in the first layer, behind the norm of the embeddings.
    let attentionNorm: LayerNorm?
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let attention: AttentionOptions
    let angles: RotaryPositions
    let norm: LayerNorm
    /// First layer, whose outputs are those that are activated, then those they gate.
    let intermediate: Linear
    let output: Linear
  }

  package static let wordEmbeddings = ["embeddings.tok_embeddings.weight"]
  package static let languageModel: LanguageModelHead? = LanguageModelHead(
    names: LanguageModelNames(
      dense: "head.dense", norm: "head.norm", decoder: "decoder.weight", biases: ["decoder.bias"]),
    activation: .field("classifier_activation", default: "gelu"),
    denseBias: .ifField("classifier_bias", default: false),
    normBias: .ifField("norm_bias", default: false),
    decoderBias: .ifField("decoder_bias", default: true))
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "head.dense", poolerActivation: .field("classifier_activation", default: "gelu"),
    poolerBias: .ifField("classifier_bias", default: false), norm: "head.norm",
    normBias: .ifField("norm_bias", default: false), outputs: "classifier",
    poolingField: .ofModernBert)
  package static let fieldsWithoutEffect = [
    "deterministic_flash_attn", "reference_compile", "repad_logits_with_grad",
    "sparse_pred_ignore_index", "sparse_prediction",
  ]

  package static let limitedFields = LimitedField.modernBert

  package static func load(
    _ configuration: ModernBertConfiguration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try ModernBert(configuration, weights)
  }

  /// Reads `embeddings`, `layers` and `final_norm`.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  private init(
    _ configuration: ModernBertConfiguration, _ weights: WeightScope
  ) throws(Failure) {
    vocabularySize = configuration.vocabularySize
    maximumTokens = configuration.longestText
    shape = try EncoderShape(configuration)
    embeddingDropout = configuration.embeddingDropout
    let settings = try ModernBertAttention(configuration)
    let (width, normBias) = (shape.width, configuration.normBias)
    let embeddings = weights("embeddings")
    wordEmbeddings = try embeddings.parameter("tok_embeddings.weight", [vocabularySize, width])
    embeddingNorm = try embeddings.layerNorm(
      "norm", width: width, epsilon: shape.layerNormEpsilon, bias: normBias)
    let angles = settings.angles(headWidth: width / shape.heads)
    var layers: [Layer] = []
    for (i, isLocal) in settings.isLocal.enumerated() {
      layers.append(
        try Self.layer(
          weights("layers.\(i)"), shape, isFirst: i == 0,
          attention: AttentionOptions(reach: isLocal ? settings.reach : nil)
            .dropping(shape.dropout.attention),
          angles: isLocal ? angles.local : angles.global, configuration))
    }
    self.layers = layers
    finalNorm = try weights.layerNorm(
      "final_norm", width: width, epsilon: shape.layerNormEpsilon, bias: normBias)
  }

  private static func layer(
    _ weights: WeightScope, _ shape: EncoderShape, isFirst: Bool, attention: AttentionOptions,
    angles: RotaryPositions, _ configuration: ModernBertConfiguration
  ) throws(Failure) -> Layer {
    let (width, inner, epsilon) = (shape.width, shape.intermediateWidth, shape.layerNormEpsilon)
    var attentionNorm: LayerNorm?
    if !isFirst {
      attentionNorm = try weights.layerNorm(
        "attn_norm", width: width, epsilon: epsilon, bias: configuration.normBias)
    }
    return Layer(
      attentionNorm: attentionNorm,
      queryKeyValue: try weights.linear(
        "attn.Wqkv", inputs: width, outputs: 3 * width, bias: configuration.attentionBias),
      attentionOutput: try weights.linear(
        "attn.Wo", inputs: width, outputs: width, bias: configuration.attentionBias),
      attention: attention, angles: angles,
      norm: try weights.layerNorm(
        "mlp_norm", width: width, epsilon: epsilon, bias: configuration.normBias),
      intermediate: try weights.linear(
        "mlp.Wi", inputs: width, outputs: 2 * inner, bias: configuration.innerBias),
      output: try weights.linear(
        "mlp.Wo", inputs: inner, outputs: width, bias: configuration.innerBias))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let embedded = o.layerNorm(
      o.embed(batch, word: wordEmbeddings, type: nil, positions: nil), embeddingNorm)
    var x = o.dropout(embedded, rate: embeddingDropout, batch)
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, batch, onlyFirst: narrows, o) }
    }
    return o.layerNorm(x, finalNorm)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let normed = layer.attentionNorm.map { o.layerNorm(x, $0) } ?? x
    let qkv = o.rotate(
      o.linear(normed, layer.queryKeyValue), first: 2 * shape.width, layer.angles, batch)
    let options = layer.attention.following(layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: shape.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let attended = o.linear(
      context, layer.attentionOutput, adding: x, dropout: shape.dropout.attentionOutput, batch)
    let inner = o.gate(
      o.linear(o.layerNorm(attended, layer.norm), layer.intermediate), shape.activation)
    return o.linear(
      o.dropout(inner, rate: shape.dropout.hidden, batch), layer.output, adding: attended)
  }
}
