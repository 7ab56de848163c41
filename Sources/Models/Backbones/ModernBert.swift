import Autograd
import Failures
import JSON
import Kernels

/// ModernBERT: norms in front of the layers, rotary positions, gates, and attention that looks at
/// the neighbourhood in most layers.
///
/// Warner et al., arXiv:2412.13663; transformers `models/modernbert/modeling_modernbert.py`.
package struct ModernBert: Backbone {
  package let vocabularySize: Int
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
    /// What is gated, and gates.
    let intermediate: Linear
    let output: Linear
  }

  /// Reads the backbone of a folder; `weights` holds `embeddings`, `layers` and `final_norm`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    vocabularySize = try folder.integer("vocab_size")
    maximumTokens = try folder.integer("max_position_embeddings")
    shape = try EncoderShape(
      width: try folder.integer("hidden_size"), layers: try folder.integer("num_hidden_layers"),
      heads: try folder.integer("num_attention_heads"),
      intermediateWidth: try folder.integer("intermediate_size"),
      activation: try ActivationName.parse(
        try folder.string("hidden_activation", default: "gelu") ?? "gelu", at: folder.configPlace),
      layerNormEpsilon: try folder.double("norm_eps", default: 1e-5),
      dropout: try DropoutRates(modernBert: folder), place: folder.configPlace)
    embeddingDropout = try folder.rate("embedding_dropout", default: 0)
    let settings = try ModernBertAttention(folder, shape)
    let normBias = try folder.bool("norm_bias", default: false)
    let width = shape.width
    let embeddings = weights("embeddings")
    wordEmbeddings = try embeddings.parameter("tok_embeddings.weight", [vocabularySize, width])
    embeddingNorm = try embeddings.layerNorm(
      "norm", width: width, epsilon: shape.layerNormEpsilon, bias: normBias)
    let angles = settings.angles(headWidth: width / shape.heads, positions: maximumTokens)
    var layers: [Layer] = []
    for (i, isLocal) in settings.isLocal.enumerated() {
      layers.append(
        try Self.layer(
          weights("layers.\(i)"), shape, isFirst: i == 0,
          attention: AttentionOptions(reach: isLocal ? settings.reach : nil)
            .dropping(shape.dropout.attention),
          angles: isLocal ? angles.local : angles.global, Biases(folder)))
    }
    self.layers = layers
    finalNorm = try weights.layerNorm(
      "final_norm", width: width, epsilon: shape.layerNormEpsilon, bias: normBias)
  }

  private struct Biases {
    let norm: Bool
    let attention: Bool
    let inner: Bool

    init(_ folder: ModelFolder) throws(Failure) {
      norm = try folder.bool("norm_bias", default: false)
      attention = try folder.bool("attention_bias", default: false)
      inner = try folder.bool("mlp_bias", default: false)
    }
  }

  private static func layer(
    _ weights: WeightScope, _ shape: EncoderShape, isFirst: Bool, attention: AttentionOptions,
    angles: RotaryPositions, _ biases: Biases
  ) throws(Failure) -> Layer {
    let (width, inner, epsilon) = (shape.width, shape.intermediateWidth, shape.layerNormEpsilon)
    var attentionNorm: LayerNorm?
    if !isFirst {
      attentionNorm = try weights.layerNorm(
        "attn_norm", width: width, epsilon: epsilon, bias: biases.norm)
    }
    return Layer(
      attentionNorm: attentionNorm,
      queryKeyValue: try weights.linear(
        "attn.Wqkv", inputs: width, outputs: 3 * width, bias: biases.attention),
      attentionOutput: try weights.linear(
        "attn.Wo", inputs: width, outputs: width, bias: biases.attention),
      attention: attention, angles: angles,
      norm: try weights.layerNorm("mlp_norm", width: width, epsilon: epsilon, bias: biases.norm),
      intermediate: try weights.linear(
        "mlp.Wi", inputs: width, outputs: 2 * inner, bias: biases.inner),
      output: try weights.linear("mlp.Wo", inputs: inner, outputs: width, bias: biases.inner))
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
    let qkv = o.rotate(o.linear(normed, layer.queryKeyValue), layer.angles, batch)
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

extension DropoutRates {
  /// What the networks drop in front of their last layer, and attention of its weights and results.
  fileprivate init(modernBert folder: ModelFolder) throws(Failure) {
    let attention = try folder.rate("attention_dropout", default: 0)
    self.init(
      hidden: try folder.rate("mlp_dropout", default: 0), attention: attention,
      attentionOutput: attention)
  }
}

/// Which layers look how far, and by which angles positions turn: in the fields of transformers 4,
/// or in `layer_types` and `rope_parameters` of transformers 5.
private struct ModernBertAttention {
  /// For every layer.
  let isLocal: [Bool]
  /// Largest distance in local layers.
  let reach: Int
  private let globalBase: Double
  private let localBase: Double

  init(_ folder: ModelFolder, _ shape: EncoderShape) throws(Failure) {
    guard shape.width / shape.heads % 2 == 0 else {
      throw .config(
        folder.configPlace, "heads of the odd width \(shape.width / shape.heads) cannot turn")
    }
    // Both sides together.
    reach = try folder.integer("local_attention", default: 128) / 2
    guard reach > 0 else {
      throw .config(folder.configPlace, "local_attention: expected at least 2")
    }
    if let scaling = folder.config["rope_scaling"], !scaling.isNull {
      throw .config(folder.configPlace, "rope_scaling is not supported")
    }
    isLocal = try Self.layers(folder, shape.layers)
    let global = try folder.double("global_rope_theta", default: 160_000)
    globalBase = try Self.base("full_attention", folder) ?? global
    var local = global
    if folder.config["local_rope_theta"]?.isNull != true {
      local = try folder.double("local_rope_theta", default: 10_000)
    }
    localBase = try Self.base("sliding_attention", folder) ?? local
    guard globalBase > 0, localBase > 0 else {
      throw .config(folder.configPlace, "rope_theta: expected a positive number")
    }
  }

  private static func layers(_ folder: ModelFolder, _ count: Int) throws(Failure) -> [Bool] {
    guard let types = folder.config["layer_types"], !types.isNull else {
      let step = try folder.integer("global_attn_every_n_layers", default: 3)
      guard step > 0 else {
        throw .config(folder.configPlace, "global_attn_every_n_layers: expected at least 1")
      }
      return (0..<count).map { $0 % step != 0 }
    }
    let names = types.array?.compactMap(\.string) ?? []
    guard names.count == count,
      names.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) })
    else {
      throw .config(
        folder.configPlace,
        "layer_types: expected full_attention or sliding_attention for each of \(count) layers")
    }
    return names.map { $0 == "sliding_attention" }
  }

  /// `rope_parameters` for a type of layers; nil where there is none.
  private static func base(_ type: String, _ folder: ModelFolder) throws(Failure) -> Double? {
    guard let all = folder.config["rope_parameters"], !all.isNull else { return nil }
    guard let parameters = all[type], let base = parameters["rope_theta"]?.double else {
      throw .config(folder.configPlace, "rope_parameters: expected rope_theta for \(type)")
    }
    let kind = parameters["rope_type"]?.string ?? "default"
    guard kind == "default" else {
      throw .config(folder.configPlace, "rope_parameters: rope_type \(kind) is not supported")
    }
    return base
  }

  func angles(
    headWidth: Int, positions: Int
  ) -> (global: RotaryPositions, local: RotaryPositions) {
    let global = RotaryPositions(
      headWidth: headWidth, base: Float(globalBase), positions: positions)
    if localBase == globalBase || !isLocal.contains(true) { return (global, global) }
    return (
      global,
      RotaryPositions(headWidth: headWidth, base: Float(localBase), positions: positions)
    )
  }
}
