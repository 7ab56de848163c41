import Autograd
import Failures
import JSON
import Kernels

/// BERT's layers with rotary positions, or scores that fall with the distance, with or without gates:
/// nomic_bert, gte, jina's XLM-RoBERTa and jina's BERT.
///
/// Nussbaum et al., arXiv:2402.01613; Zhang et al., arXiv:2407.19669; Sturua et al.,
/// arXiv:2409.10173; transformers 5.24 `models/nomic_bert/modeling_nomic_bert.py`,
/// `models/gte/modeling_gte.py`. What a family has of it, `RotaryEncoderTraits` says.
package struct RotaryEncoder: Backbone {
  private let fields: RotaryEncoderFields
  package let wordEmbeddings: Parameter
  private let types: Parameter?
  private let embeddingNorm: LayerNorm
  private let layers: [Layer]
  private let attention: AttentionOptions
  /// Nil where positions do not turn.
  private let angles: RotaryPositions?

  package var width: Int { fields.width }
  package var vocabularySize: Int { fields.vocabularySize }
  package var layerCount: Int { layers.count }
  package var maximumTokens: Int { fields.maximumPositions }
  package var activation: Activation { fields.activation }
  package var normEpsilon: Double { fields.epsilon }
  package var facts: [JSON.Member] {
    guard let experts = fields.experts else { return [] }
    let layers = (0..<fields.layers).count { experts.has($0) }
    return [
      JSON.Member("experts", .integer(experts.count)),
      JSON.Member("experts_of_a_token", .integer(experts.chosen)),
      JSON.Member("layers_with_experts", .integer(layers)),
    ]
  }
  /// Where there is no table, token types are read and not used.
  package var segmentCount: Int { types?.rows ?? 2 }

  private struct Layer: Sendable {
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    let network: Network
    let outputNorm: LayerNorm
  }

  private enum Network: Sendable {
    /// The first layer's outputs are, with gates, those that are activated, then those they gate.
    case one(intermediate: Linear, output: Linear)
    case experts(Experts, dropout: Float)
  }

  /// Reads `embeddings` and the layers.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  init(_ fields: RotaryEncoderFields, _ weights: WeightScope) throws(Failure) {
    self.fields = fields
    let width = fields.width
    wordEmbeddings = try weights.table(
      "embeddings.word_embeddings.weight", [fields.vocabularySize, width])
    types =
      fields.segments > 0
      ? try weights.parameter("embeddings.token_type_embeddings.weight", [fields.segments, width])
      : nil
    weights.checkpoint.ignore { $0.hasSuffix("inv_freq") }
    let names = RotaryEncoderNames.all.first {
      weights.has("\($0.layer).0.\($0.queryKeyValue[0]).weight")
    }
    guard let names else {
      let first = RotaryEncoderNames.all[0]
      throw .config(
        weights.checkpoint.path,
        "tensor \(weights.prefix)\(first.layer).0.\(first.queryKeyValue[0]).weight is missing")
    }
    embeddingNorm = try weights.layerNorm(
      names.embeddingNorm, width: width, epsilon: fields.epsilon)
    var layers: [Layer] = []
    for i in 0..<fields.layers {
      layers.append(try Self.layer(weights("\(names.layer).\(i)"), i, names, fields))
    }
    self.layers = layers
    let relative = fields.traits.turns ? nil : RelativePositions(fallingOver: fields.heads)
    attention = AttentionOptions(relative: relative).dropping(fields.attentionDropout)
    angles =
      fields.traits.turns
      ? RotaryPositions(
        try fields.angles.frequencies(
          ofLocal: false, headWidth: fields.headWidth, positions: fields.maximumPositions)) : nil
  }

  private static func layer(
    _ weights: WeightScope, _ number: Int, _ names: RotaryEncoderNames,
    _ fields: RotaryEncoderFields
  ) throws(Failure) -> Layer {
    let width = fields.width
    let own = fields.heads * fields.headWidth
    let packed = names.queryKeyValue.count == 1
    if fields.attentionBias {
      try fields.require("qkv_proj_bias", names.queryKeyValue[0], weights)
    }
    func norm(_ name: String) throws(Failure) -> LayerNorm {
      try weights.layerNorm(name, width: width, epsilon: fields.epsilon)
    }
    return Layer(
      queryKeyValue: try weights.linear(
        names.queryKeyValue, inputs: width, outputs: packed ? 3 * own : own,
        bias: fields.attentionBias),
      attentionOutput: try weights.linear(
        names.attentionOutput, inputs: own, outputs: width, bias: fields.attentionBias),
      attentionNorm: try norm(names.attentionNorm),
      network: try network(weights, number, names, fields),
      outputNorm: try norm(names.outputNorm))
  }

  private static func network(
    _ weights: WeightScope, _ number: Int, _ names: RotaryEncoderNames,
    _ fields: RotaryEncoderFields
  ) throws(Failure) -> Network {
    let (width, inner) = (fields.width, fields.intermediateWidth)
    if let experts = fields.experts, experts.has(number) {
      return .experts(try experts.experts(weights("mlp")), dropout: experts.dropout)
    }
    let output = names.output(isGated: fields.isGated)
    let first = fields.isGated ? names.gates?.activated : names.intermediate
    if fields.innerBias, let first { try fields.require("mlp_fc1_bias", first, weights) }
    if fields.outputBias { try fields.require("mlp_fc2_bias", output, weights) }
    return .one(
      intermediate: fields.isGated
        ? try names.gated(weights, inputs: width, outputs: inner, bias: fields.innerBias)
        : try weights.linear(
          names.intermediate, inputs: width, outputs: inner, bias: fields.innerBias),
      output: try weights.linear(
        output, inputs: inner, outputs: width, bias: fields.outputBias))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let embedded = o.layerNorm(
      o.embed(batch, word: wordEmbeddings, type: types, positions: nil), embeddingNorm)
    var x = o.dropout(embedded, rate: fields.hiddenDropout, batch)
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, batch, onlyFirst: narrows, o) }
    }
    return x
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var qkv = o.linear(x, layer.queryKeyValue)
    if let angles {
      qkv = o.rotate(qkv, first: 2 * fields.heads * fields.headWidth, angles, batch)
    }
    let options = attention.following(layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: fields.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    switch layer.network {
    case .experts(let experts, let rate):
      let attended = o.layerNorm(
        o.linear(context, layer.attentionOutput, adding: x, dropout: rate, batch),
        layer.attentionNorm)
      let added = o.dropout(experts(attended, o), rate: rate, batch)
      return o.layerNorm(o.add(attended, added), layer.outputNorm)
    case .one(let intermediate, let output):
      let rate = fields.hiddenDropout
      let attended = o.layerNorm(
        o.linear(context, layer.attentionOutput, adding: x, dropout: rate, batch),
        layer.attentionNorm)
      var inner =
        fields.isGated
        ? o.gate(o.linear(attended, intermediate), fields.activation)
        : o.linear(attended, intermediate, fields.activation)
      if fields.traits.dropsInside { inner = o.dropout(inner, rate: rate, batch) }
      return o.layerNorm(
        o.linear(
          inner, output, adding: attended, dropout: fields.traits.dropsOutput ? rate : 0, batch),
        layer.outputNorm)
    }
  }
}
