import Autograd
import Failures
import JSON
import Kernels

/// The text tower of EmbeddingGemma 2: Gemma's layers, whose tokens see what is behind them, with norms of values,
/// wider heads in layers that see all, a third part in each layer that mixes the embeddings in again, and a
/// projection of the last states.
///
/// transformers 5.24 `models/embedding_gemma2/modeling_embedding_gemma2.py`. Towers of images and sounds are
/// passed over.
package struct EmbeddingGemma2: Backbone, BackboneFamily {
  private let fields: EmbeddingGemma2Configuration
  package let wordEmbeddings: Parameter
  private let layers: [Layer]
  private let finalNorm: RMSNorm
  private let projection: Linear

  package var width: Int { fields.outputs }
  package var layerWidth: Int { fields.width }
  package var vocabularySize: Int { fields.vocabularySize }
  package var layerCount: Int { layers.count }
  package var maximumTokens: Int { fields.maximumPositions }
  package var activation: Activation { fields.activation }
  package var normEpsilon: Double { fields.epsilon }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  package static let wordEmbeddings = ["embed_tokens.weight"]
  package static let fieldsWithoutEffect = [
    "text_config", "vision_config", "audio_config", "boi_token_id", "eoi_token_id",
    "image_token_id", "video_token_id", "boa_token_id", "eoa_token_index", "audio_token_id",
  ]
  /// transformers reads angles from `rope_parameters` alone.
  package static let limitedFields = [
    "rope_theta", "rope_scaling", "rope_local_base_freq", "partial_rotary_factor",
    "original_max_position_embeddings",
  ].map { LimitedField(absent: $0) }

  package var facts: [JSON.Member] {
    let local = layers.compactMap(\.attention.reach)
    func widths(_ values: (Layer) -> Int) -> JSON {
      .array(Set(layers.map(values)).sorted().map { .integer($0) })
    }
    return [
      JSON.Member("heads", .integer(fields.heads)),
      JSON.Member("key_heads", widths { $0.attention.keyHeads ?? fields.heads }),
      JSON.Member("head_width", widths(\.headWidth)), JSON.Member("causal", false),
      JSON.Member("local_layers", .integer(local.count)),
      JSON.Member("reach", local.first.map { .integer($0) } ?? .null),
      JSON.Member("width_of_layer_inputs", .integer(fields.inputWidth)),
    ]
  }

  private struct Layer: Sendable {
    let headWidth: Int
    let attentionNorm: RMSNorm
    let queryKeyValue: Linear
    let headNorms: HeadNorms
    let attention: AttentionOptions
    let angles: RotaryPositions
    let attentionOutput: Linear
    /// Behind the attention, in front of the network and behind it, and behind the embeddings.
    let norms: (attention: RMSNorm, inner: RMSNorm, output: RMSNorm, inputs: RMSNorm)
    let intermediate: Linear
    let output: Linear
    /// What the layer sees of the embeddings.
    let inputs: Linear
    let inputNorm: RMSNorm
    let inputGate: Linear
    let inputOutput: Linear
    /// What the states are multiplied by at the end.
    let factor: Float
  }

  package static func load(
    _ configuration: EmbeddingGemma2Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try EmbeddingGemma2(configuration, weights)
  }

  /// Reads `embed_tokens`, `ple`, `layers`, `norm` and `embedding_projection`.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  private init(
    _ fields: EmbeddingGemma2Configuration, _ weights: WeightScope
  ) throws(Failure) {
    self.fields = fields
    wordEmbeddings = try weights.table(
      "embed_tokens.weight", [fields.vocabularySize, fields.width])
    let (ple, each) = (weights("ple"), fields.inputWidth)
    let inputs = try ple.weight(
      "per_layer_model_projection.weight", [fields.layers * each, fields.width])
    let inputNorm = try ple.rmsNorm(
      "per_layer_projection_norm", width: each, epsilon: fields.epsilon)
    var layers: [Layer] = []
    for (i, attention) in try fields.attentions().enumerated() {
      layers.append(
        try Self.layer(
          weights("layers.\(i)"), fields, attention, number: i,
          inputs: try weights.linear([inputs.rows(i * each..<(i + 1) * each)], []), inputNorm))
    }
    self.layers = layers
    finalNorm = try weights.rmsNorm("norm", width: fields.width, epsilon: fields.epsilon)
    projection = try weights.linear(
      "embedding_projection", inputs: fields.width, outputs: fields.outputs, bias: false)
  }

  private static func layer(
    _ weights: WeightScope, _ fields: EmbeddingGemma2Configuration,
    _ attention: EmbeddingGemma2Configuration.Attention, number: Int, inputs: Linear,
    _ inputNorm: RMSNorm
  ) throws(Failure) -> Layer {
    let (width, epsilon, bias) = (fields.width, fields.epsilon, fields.attentionBias)
    let own = fields.heads * attention.headWidth
    let shared = attention.keyHeads * attention.headWidth
    let (scope, ple) = (weights("self_attn"), weights("ple_block"))
    func norm(_ name: String, of scope: WeightScope? = nil) throws(Failure) -> RMSNorm {
      try (scope ?? weights).rmsNorm(name, width: width, epsilon: epsilon)
    }
    func headNorm(_ name: String) throws(Failure) -> RMSNorm {
      try scope.rmsNorm(name, width: attention.headWidth, epsilon: epsilon)
    }
    return Layer(
      headWidth: attention.headWidth, attentionNorm: try norm("input_layernorm"),
      queryKeyValue: try scope.linear(
        [("q_proj", own), ("k_proj", shared), ("v_proj", shared)], inputs: width, bias: bias),
      headNorms: HeadNorms(
        queries: try headNorm("q_norm"), keys: try headNorm("k_norm"),
        values: RMSNorm(weight: .ones(attention.headWidth), epsilon: Float(epsilon)),
        heads: fields.heads, keyHeads: attention.keyHeads),
      attention: attention.options.numbered(number), angles: attention.angles,
      attentionOutput: try scope.linear("o_proj", inputs: own, outputs: width, bias: bias),
      norms: (
        try norm("post_attention_layernorm"), try norm("pre_feedforward_layernorm"),
        try norm("post_feedforward_layernorm"),
        try norm("post_per_layer_input_norm", of: ple)
      ),
      intermediate: try weights("mlp").linear(
        ["gate_proj", "up_proj"], inputs: width, outputs: fields.intermediateWidth, bias: false),
      output: try weights("mlp").linear(
        "down_proj", inputs: fields.intermediateWidth, outputs: width, bias: false),
      inputs: inputs, inputNorm: inputNorm,
      inputGate: try ple.linear(
        "per_layer_input_gate", inputs: width, outputs: fields.inputWidth, bias: false),
      inputOutput: try ple.linear(
        "per_layer_projection", inputs: fields.inputWidth, outputs: width, bias: false),
      factor: try factor(weights))
  }

  /// A number that transformers keeps with the weights and does not train.
  private static func factor(_ weights: WeightScope) throws(Failure) -> Float {
    guard weights.has("layer_scalar") else { return 1 }
    let factor = try weights.parameter("layer_scalar", [1])
    factor.training?.isFrozen = true
    return factor.values[0]
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let root = Float(fields.width).squareRoot()
    var x = o.scale(
      o.embed(batch, word: wordEmbeddings, type: nil, positions: nil), by: root)
    let inputs = o.scale(x, by: 1 / root)
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, inputs, batch, onlyFirst: narrows, o) }
    }
    return o.linear(o.rmsNorm(x, finalNorm), projection)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ inputs: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let turned = (fields.heads + layer.headNorms.keyHeads) * layer.headWidth
    let qkv = o.rotate(
      o.normalizeHeads(
        o.linear(o.rmsNorm(x, layer.attentionNorm), layer.queryKeyValue), layer.headNorms),
      first: turned, layer.angles, batch)
    let options = layer.attention.following(layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: fields.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let inputs = onlyFirst ? o.pool(inputs, .first, batch) : inputs
    let attended = o.add(
      x, o.rmsNorm(o.linear(context, layer.attentionOutput), layer.norms.attention))
    let inner = o.gate(
      o.linear(o.rmsNorm(attended, layer.norms.inner), layer.intermediate), fields.activation)
    let fed = o.add(attended, o.rmsNorm(o.linear(inner, layer.output), layer.norms.output))
    let seen = o.rmsNorm(o.linear(inputs, layer.inputs), layer.inputNorm)
    let gated = o.gate(
      o.concatenate([o.linear(fed, layer.inputGate), seen]), fields.activation)
    let mixed = o.add(fed, o.rmsNorm(o.linear(gated, layer.inputOutput), layer.norms.inputs))
    return layer.factor == 1 ? mixed : o.scale(mixed, by: layer.factor)
  }
}
