import Autograd
import Failures
import JSON
import Kernels

/// ModernBERT's fields of `config.json`, with the defaults of transformers' `ModernBertConfig`.
package struct ModernBertConfiguration: BackboneConfiguration {
  let vocabularySize: Int
  let maximumPositions: Int
  let width: Int
  let layers: Int
  let heads: Int
  let intermediateWidth: Int
  let activation: Activation
  let normEpsilon: Double
  let attentionDropout: Float
  let innerDropout: Float
  let embeddingDropout: Float
  let normBias: Bool
  let attentionBias: Bool
  let innerBias: Bool
  /// Tokens that local attention looks at, on both sides together.
  let localAttention: Int
  let globalEvery: Int
  let globalBase: Double
  /// Nil for the global one.
  let localBase: Double?
  let scaling: JSON?
  /// Kinds of attention of the layers, as transformers 5 writes them.
  let layerKinds: JSON?
  /// Bases of the angles by kind of attention, as transformers 5 writes them.
  let angles: JSON?
  /// Path of `config.json`, for messages.
  let place: String

  package var longestText: Int { maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.turns)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: FieldRanges.width)
    intermediateWidth = try fields.integer("intermediate_size", in: FieldRanges.width)
    activation = try fields.activation("hidden_activation", default: "gelu")
    normEpsilon = try fields.double("norm_eps", in: FieldRanges.epsilon, default: 1e-5)
    attentionDropout = try fields.rate("attention_dropout", default: 0)
    innerDropout = try fields.rate("mlp_dropout", default: 0)
    embeddingDropout = try fields.rate("embedding_dropout", default: 0)
    normBias = try fields.bool("norm_bias", default: false)
    attentionBias = try fields.bool("attention_bias", default: false)
    innerBias = try fields.bool("mlp_bias", default: false)
    localAttention = try fields.integer("local_attention", in: FieldRanges.window, default: 128)
    globalEvery = try fields.integer(
      "global_attn_every_n_layers", in: FieldRanges.count, default: 3)
    globalBase = try fields.double(
      "global_rope_theta", in: FieldRanges.angleBase, default: 160_000)
    localBase = try fields.optionalDouble(
      "local_rope_theta", in: FieldRanges.angleBase, default: 10_000)
    scaling = fields.json("rope_scaling")
    layerKinds = fields.json("layer_types")
    angles = fields.json("rope_parameters")
    place = fields.place
  }
}

extension EncoderShape {
  /// - Throws: 78 for heads that do not divide the width.
  init(_ configuration: ModernBertConfiguration) throws(Failure) {
    try self.init(
      width: configuration.width, layers: configuration.layers, heads: configuration.heads,
      intermediateWidth: configuration.intermediateWidth,
      activation: configuration.activation,
      layerNormEpsilon: configuration.normEpsilon,
      // Networks drop in front of their last layer, and attention its weights and results.
      dropout: DropoutRates(
        hidden: configuration.innerDropout, attention: configuration.attentionDropout,
        attentionOutput: configuration.attentionDropout),
      place: configuration.place)
  }
}

/// Reach of attention in each of ModernBERT's layers, and the angles by which positions turn.
struct ModernBertAttention {
  /// Whether each layer is local.
  let isLocal: [Bool]
  /// Largest distance in local layers.
  let reach: Int
  private let globalBase: Double
  private let localBase: Double

  /// - Throws: 78 for a field that asks for what is not supported.
  init(_ configuration: ModernBertConfiguration) throws(Failure) {
    let place = configuration.place
    let headWidth = configuration.width / configuration.heads
    guard headWidth % 2 == 0 else {
      throw .config(place, "heads of the odd width \(headWidth) cannot turn")
    }
    reach = configuration.localAttention / 2
    try Self.checkScaling(configuration)
    isLocal = try Self.layers(configuration)
    let global = configuration.globalBase
    globalBase = try Self.base("full_attention", configuration) ?? global
    localBase =
      try Self.base("sliding_attention", configuration) ?? configuration.localBase ?? global
  }

  /// Positions turn by the angles of the paper, or not at all here.
  private static func checkScaling(_ configuration: ModernBertConfiguration) throws(Failure) {
    guard let scaling = configuration.scaling else { return }
    let kind = (scaling["rope_type"] ?? scaling["type"])?.string
    guard kind == "default", scaling.members?.count == 1 else {
      throw .config(
        configuration.place, "rope_scaling: expected null, found \(scaling.excerpt)")
    }
  }

  private static func layers(_ configuration: ModernBertConfiguration) throws(Failure) -> [Bool] {
    guard let kinds = configuration.layerKinds else {
      return (0..<configuration.layers).map { $0 % configuration.globalEvery != 0 }
    }
    let names = kinds.array?.compactMap(\.string) ?? []
    guard names.count == configuration.layers, names.count == kinds.array?.count,
      names.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) })
    else {
      throw .config(
        configuration.place,
        "layer_types: expected full_attention or sliding_attention for each of "
          + "\(configuration.layers) layers")
    }
    return names.map { $0 == "sliding_attention" }
  }

  /// The base in `rope_parameters` for a kind of attention; nil where there is none, which means what
  /// transformers 4 writes elsewhere.
  private static func base(
    _ kind: String, _ configuration: ModernBertConfiguration
  ) throws(Failure) -> Double? {
    guard let parameters = configuration.angles?[kind], !parameters.isNull else { return nil }
    let (name, place) = ("rope_parameters.\(kind)", configuration.place)
    guard parameters.members != nil else {
      throw .config(place, "\(name): expected an object or null, found \(parameters.excerpt)")
    }
    if let type = parameters["rope_type"], type.string != "default" {
      throw .config(place, "\(name).rope_type: expected \"default\", found \(type.excerpt)")
    }
    if let share = parameters["partial_rotary_factor"], !share.isNull, share.double != 1 {
      throw .config(place, "\(name).partial_rotary_factor: expected 1, found \(share.excerpt)")
    }
    return try NumberField("\(name).rope_theta", parameters["rope_theta"], at: place)
      .optionalDouble(in: FieldRanges.angleBase)
  }

  /// The angles of global and of local layers.
  func angles(headWidth: Int) -> (global: RotaryPositions, local: RotaryPositions) {
    let global = RotaryPositions(headWidth: headWidth, base: Float(globalBase))
    if localBase == globalBase || !isLocal.contains(true) { return (global, global) }
    return (global, RotaryPositions(headWidth: headWidth, base: Float(localBase)))
  }
}
