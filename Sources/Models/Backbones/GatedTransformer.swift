import Autograd
import Failures
import JSON
import Kernels

/// Norms by root mean squares in front of the layers, rotary positions, keys and values that heads
/// share, and gated networks: the decoders that are used as encoders, and encoders made of them.
///
/// Touvron et al., arXiv:2302.13971; transformers 5.24 `models/llama/modeling_llama.py`,
/// `models/qwen3/modeling_qwen3.py`, `models/gemma3/modeling_gemma3.py`. What a family has of it,
/// `GatedTraits` says.
package struct GatedTransformer: Backbone {
  private let shape: GatedShape
  package let wordEmbeddings: Parameter
  private let layers: [Layer]
  private let finalNorm: RMSNorm

  package var width: Int { shape.width }
  package var vocabularySize: Int { shape.vocabularySize }
  package var layerCount: Int { layers.count }
  package var maximumTokens: Int { shape.maximumTokens }
  package var activation: Activation { shape.activation }
  package var normEpsilon: Double { shape.epsilon }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  package var prefixBytes: Int? {
    let isShared = shape.attentions.allSatisfy {
      $0.options.isCausal && !$0.angles.dependOnLength
    }
    let width = 2 * shape.keyHeads * shape.headWidth
    return isShared ? layers.count * width * MemoryLayout<Float>.size : nil
  }

  package var facts: [JSON.Member] {
    let options = shape.attentions.map(\.options)
    let reaches = options.compactMap(\.reach)
    return [
      JSON.Member("heads", .integer(shape.heads)),
      JSON.Member("key_heads", .integer(shape.keyHeads)),
      JSON.Member("head_width", .integer(shape.headWidth)),
      JSON.Member("causal", .bool(options.contains(where: \.isCausal))),
      JSON.Member("local_layers", .integer(reaches.count)),
      JSON.Member("reach", reaches.first.map { .integer($0) } ?? .null),
    ]
  }

  private struct Layer: Sendable {
    let attentionNorm: RMSNorm
    /// Queries of all heads, then keys, then values.
    let queryKeyValue: Linear
    let headNorms: HeadNorms?
    let attention: AttentionOptions
    let angles: RotaryPositions
    let attentionOutput: Linear
    /// Behind the attention.
    let attentionNormBehind: RMSNorm?
    let norm: RMSNorm
    /// First layer, whose outputs are those that are activated, then those they gate.
    let intermediate: Linear
    let output: Linear
    /// Behind the network.
    let normBehind: RMSNorm?
  }

  /// Reads `embed_tokens`, `layers` and `norm`.
  ///
  /// - Throws: 78 for a tensor that is missing.
  init(_ shape: GatedShape, _ weights: WeightScope) throws(Failure) {
    self.shape = shape
    wordEmbeddings = try weights.table(
      "embed_tokens.weight", [shape.vocabularySize, shape.width])
    // Frequencies that older transformers saved with the weights.
    weights.checkpoint.ignore { $0.hasSuffix("rotary_emb.inv_freq") }
    var layers: [Layer] = []
    for (i, attention) in shape.attentions.enumerated() {
      layers.append(
        try Self.layer(
          weights("layers.\(i)"), shape, attention.options.numbered(i), attention.angles))
    }
    self.layers = layers
    finalNorm = try Self.norm("norm", shape.width, shape, weights)
  }

  private static func norm(
    _ name: String, _ width: Int, _ shape: GatedShape, _ weights: WeightScope
  ) throws(Failure) -> RMSNorm {
    try weights.rmsNorm(
      name, width: width, epsilon: shape.epsilon, addsOne: shape.traits.addsOne)
  }

  private static func layer(
    _ weights: WeightScope, _ shape: GatedShape, _ options: AttentionOptions,
    _ angles: RotaryPositions
  ) throws(Failure) -> Layer {
    let (width, inner, traits) = (shape.width, shape.intermediateWidth, shape.traits)
    let (own, shared) = (shape.heads * shape.headWidth, shape.keyHeads * shape.headWidth)
    let attention = weights("self_attn")
    func norm(_ name: String) throws(Failure) -> RMSNorm {
      try Self.norm(name, width, shape, weights)
    }
    var headNorms: HeadNorms?
    if traits.normalizesHeads {
      headNorms = HeadNorms(
        queries: try Self.norm("q_norm", shape.headWidth, shape, attention),
        keys: try Self.norm("k_norm", shape.headWidth, shape, attention),
        heads: shape.heads, keyHeads: shape.keyHeads)
    }
    // In Gemma the norm of this name stands behind the attention.
    let behind = "post_attention_layernorm"
    return Layer(
      attentionNorm: try norm("input_layernorm"),
      queryKeyValue: try attention.linear(
        [("q_proj", own), ("k_proj", shared), ("v_proj", shared)], inputs: width,
        bias: shape.queryKeyValueBias),
      headNorms: headNorms, attention: options, angles: angles,
      attentionOutput: try attention.linear(
        "o_proj", inputs: own, outputs: width, bias: shape.attentionOutputBias),
      attentionNormBehind: traits.hasNormsBehind ? try norm(behind) : nil,
      norm: try norm(traits.hasNormsBehind ? "pre_feedforward_layernorm" : behind),
      intermediate: try weights("mlp").linear(
        ["gate_proj", "up_proj"], inputs: width, outputs: inner, bias: shape.innerBias),
      output: try weights("mlp").linear(
        "down_proj", inputs: inner, outputs: width, bias: shape.innerBias),
      normBehind: traits.hasNormsBehind ? try norm("post_feedforward_layernorm") : nil)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = o.embed(batch, word: wordEmbeddings, type: nil, positions: nil)
    if shape.traits.scalesEmbeddings { x = o.scale(x, by: Float(shape.width).squareRoot()) }
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, batch, onlyFirst: narrows, o) }
    }
    return o.rmsNorm(x, finalNorm)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var qkv = o.linear(o.rmsNorm(x, layer.attentionNorm), layer.queryKeyValue)
    if let norms = layer.headNorms { qkv = o.normalizeHeads(qkv, norms) }
    let turned = (shape.heads + shape.keyHeads) * shape.headWidth
    qkv = o.rotate(qkv, first: turned, layer.angles, batch)
    let options = layer.attention.following(layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: shape.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let attended = add(
      context, layer.attentionOutput, layer.attentionNormBehind, to: x, o)
    let inner = o.gate(
      o.linear(o.rmsNorm(attended, layer.norm), layer.intermediate), shape.activation)
    return add(inner, layer.output, layer.normBehind, to: attended, o)
  }

  /// residual + x · Wᵀ, or + the norm of that.
  private func add<O: Operations>(
    _ x: O.Value, _ layer: Linear, _ norm: RMSNorm?, to residual: O.Value, _ o: O
  ) -> O.Value {
    guard let norm else { return o.linear(x, layer, adding: residual) }
    return o.add(residual, o.rmsNorm(o.linear(x, layer), norm))
  }
}
