import Autograd
import Failures
import JSON
import Kernels

/// LFM2: short convolutions in most layers, and in the others Llama's attention with norms of heads.
///
/// Liquid AI, arXiv:2511.23404; transformers 5.24 `models/lfm2/modeling_lfm2.py`.
package struct Lfm2: Backbone, BackboneFamily {
  private let fields: Lfm2Configuration
  package let wordEmbeddings: Parameter
  private let layers: [Layer]
  private let finalNorm: RMSNorm

  package var width: Int { fields.width }
  package var vocabularySize: Int { fields.vocabularySize }
  package var layerCount: Int { layers.count }
  package var maximumTokens: Int { fields.maximumPositions }
  package var activation: Activation { .silu }
  package var normEpsilon: Double { fields.epsilon }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  package static let wordEmbeddings = ["embed_tokens.weight"]
  package static let languageModel: LanguageModelHead? = .ofDecoder(tiesByDefault: true)
  package static let fieldsWithoutEffect = [
    "block_dim", "block_mlp_init_scale", "block_norm_eps", "block_out_init_scale",
    "block_use_swiglu", "block_use_xavier_init", "conv_dim", "conv_dim_out",
    "conv_use_xavier_init", "num_heads", "theta", "use_pos_enc", "tie_embedding",
  ]

  private enum Operator: Sendable {
    case attention(queryKeyValue: Linear, norms: HeadNorms, output: Linear)
    case convolution(input: Linear, filter: ShortFilter, output: Linear)
  }

  private struct Layer: Sendable {
    let operatorNorm: RMSNorm
    let what: Operator
    let norm: RMSNorm
    let intermediate: Linear
    let output: Linear
  }

  package static func load(
    _ configuration: Lfm2Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try Lfm2(configuration, weights)
  }

  /// Reads `embed_tokens`, `layers` and `embedding_norm`.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  private init(_ fields: Lfm2Configuration, _ weights: WeightScope) throws(Failure) {
    self.fields = fields
    angles = RotaryPositions(
      try fields.angles.frequencies(
        ofLocal: false, headWidth: fields.headWidth, positions: fields.maximumPositions))
    attention = AttentionOptions(isCausal: fields.isCausal, keyHeads: fields.keyHeads)
    wordEmbeddings = try weights.table(
      "embed_tokens.weight", [fields.vocabularySize, fields.width])
    var layers: [Layer] = []
    for (i, convolves) in try fields.convolves().enumerated() {
      layers.append(try Self.layer(weights("layers.\(i)"), fields, convolves: convolves))
    }
    self.layers = layers
    finalNorm = try weights.rmsNorm(
      "embedding_norm", width: fields.width, epsilon: fields.epsilon)
  }

  private let angles: RotaryPositions
  private let attention: AttentionOptions

  private static func layer(
    _ weights: WeightScope, _ fields: Lfm2Configuration, convolves: Bool
  ) throws(Failure) -> Layer {
    let (width, inner, epsilon) = (fields.width, fields.innerWidth, fields.epsilon)
    return Layer(
      operatorNorm: try weights.rmsNorm("operator_norm", width: width, epsilon: epsilon),
      what: convolves
        ? try convolution(weights("conv"), fields) : try attention(weights("self_attn"), fields),
      norm: try weights.rmsNorm("ffn_norm", width: width, epsilon: epsilon),
      intermediate: try weights("feed_forward").linear(
        ["w1", "w3"], inputs: width, outputs: inner, bias: false),
      output: try weights("feed_forward").linear(
        "w2", inputs: inner, outputs: width, bias: false))
  }

  private static func attention(
    _ weights: WeightScope, _ fields: Lfm2Configuration
  ) throws(Failure) -> Operator {
    let (own, shared) = (fields.heads * fields.headWidth, fields.keyHeads * fields.headWidth)
    func norm(_ name: String) throws(Failure) -> RMSNorm {
      try weights.rmsNorm(name, width: fields.headWidth, epsilon: fields.epsilon)
    }
    return .attention(
      queryKeyValue: try weights.linear(
        [("q_proj", own), ("k_proj", shared), ("v_proj", shared)], inputs: fields.width,
        bias: false),
      norms: HeadNorms(
        queries: try norm("q_layernorm"), keys: try norm("k_layernorm"), heads: fields.heads,
        keyHeads: fields.keyHeads),
      output: try weights.linear(
        "out_proj", inputs: own, outputs: fields.width, bias: false))
  }

  private static func convolution(
    _ weights: WeightScope, _ fields: Lfm2Configuration
  ) throws(Failure) -> Operator {
    let (width, bias) = (fields.width, fields.convolutionBias)
    return .convolution(
      input: try weights.linear("in_proj", inputs: width, outputs: 3 * width, bias: bias),
      filter: ShortFilter(
        weight: try weights.parameter("conv.weight", [width, 1, fields.taps]),
        bias: bias ? try weights.parameter("conv.bias", [width]) : nil),
      output: try weights.linear("out_proj", inputs: width, outputs: width, bias: bias))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = o.embed(batch, word: wordEmbeddings, type: nil, positions: nil)
    for layer in layers { x = o.layer(x) { run(layer, $0, batch, o) } }
    if onlyFirst { x = o.pool(x, .first, batch) }
    return o.rmsNorm(x, finalNorm)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    let normed = o.rmsNorm(x, layer.operatorNorm)
    let mixed: O.Value
    switch layer.what {
    case .attention(let queryKeyValue, let norms, let output):
      let turned = (fields.heads + fields.keyHeads) * fields.headWidth
      let qkv = o.rotate(
        o.normalizeHeads(o.linear(normed, queryKeyValue), norms), first: turned, angles, batch)
      let context = o.attention(
        qkv, heads: fields.heads, batch, attention.following(queryKeyValue))
      mixed = o.linear(context, output, adding: x)
    case .convolution(let input, let filter, let output):
      mixed = o.linear(
        o.shortConvolution(o.linear(normed, input), filter, batch), output, adding: x)
    }
    let inner = o.gate(o.linear(o.rmsNorm(mixed, layer.norm), layer.intermediate), .silu)
    return o.linear(inner, layer.output, adding: mixed)
  }
}

/// LFM2's fields of `config.json`, with the defaults of transformers' `Lfm2Config`.
package struct Lfm2Configuration: BackboneConfiguration {
  let vocabularySize: Int
  let maximumPositions: Int
  let width: Int
  let layers: Int
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  let innerWidth: Int
  let epsilon: Double
  let convolutionBias: Bool
  /// Tokens that a convolution sees.
  let taps: Int
  let isCausal: Bool
  let kinds: JSON?
  let attending: JSON?
  let angles: RotaryFields
  /// Path of `config.json`, for messages.
  let place: String

  package var longestText: Int { maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    place = fields.place
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.turns)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: FieldRanges.width)
    keyHeads = try fields.integer("num_key_value_heads", in: FieldRanges.width, default: 8)
    headWidth =
      try fields.optionalInteger("head_dim", in: FieldRanges.width) ?? max(1, width / heads)
    innerWidth = try Self.innerWidth(fields)
    epsilon = try fields.double("norm_eps", in: FieldRanges.epsilon, default: 1e-5)
    convolutionBias = try fields.bool("conv_bias", default: false)
    taps = try fields.integer("conv_L_cache", in: FieldRanges.taps, default: 3)
    isCausal = try fields.bool("is_causal", default: true)
    kinds = fields.json("layer_types")
    attending = fields.json("full_attn_idxs")
    angles = try RotaryFields(fields, base: 1_000_000)
    guard heads % keyHeads == 0, headWidth % 2 == 0 else {
      throw .config(
        place,
        "\(heads) heads of the width \(headWidth), of which \(keyHeads) have keys, do not fit")
    }
  }

  /// Two thirds of the size, rounded up to a multiple, unless it is meant as it stands.
  private static func innerWidth(_ fields: ConfigurationReader) throws(Failure) -> Int {
    let size = try fields.integer(
      "intermediate_size", alias: "block_ff_dim", in: FieldRanges.width)
    let factor = try fields.double(
      "block_ffn_dim_multiplier", in: FieldRanges.share.lowerBound...1000, default: 1)
    let multiple = try fields.integer("block_multiple_of", in: FieldRanges.width, default: 256)
    guard try fields.bool("block_auto_adjust_ff_dim", default: true) else { return size }
    let inner = 2 * size / 3
    return max(1, (Int(factor * Double(inner)) + multiple - 1) / multiple) * multiple
  }

  /// Whether each of the layers has a convolution in the place of attention.
  ///
  /// - Throws: 78 for kinds that are not known or too few.
  func convolves() throws(Failure) -> [Bool] {
    guard let kinds else {
      guard let indices = attending?.array?.map(\.integer) else {
        return Array(repeating: false, count: layers)
      }
      return (0..<layers).map { !indices.contains($0) }
    }
    let names = kinds.array?.compactMap(\.string) ?? []
    guard names.count == layers, names.count == kinds.array?.count,
      names.allSatisfy({ ["full_attention", "conv"].contains($0) })
    else {
      throw .config(
        place, "layer_types: expected full_attention or conv for each of \(layers) layers")
    }
    return names.map { $0 == "conv" }
  }
}
