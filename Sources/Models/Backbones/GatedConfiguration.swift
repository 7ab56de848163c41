import Autograd
import Failures
import JSON
import Kernels

/// A family's fields of `config.json`, with the defaults of its configuration class in transformers
/// 5.24.
package struct GatedConfiguration<Family: GatedFamily>: BackboneConfiguration {
  let fields: GatedFields

  package var longestText: Int { fields.maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    self.fields = try GatedFields(fields, Family.traits)
  }
}

/// The fields of `config.json` that the families of `GatedTransformer` have.
struct GatedFields {
  let traits: GatedTraits
  let vocabularySize: Int
  let maximumPositions: Int
  let width: Int
  let layers: Int
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  let intermediateWidth: Int
  let activation: Activation
  let epsilon: Double
  let attentionDropout: Float
  let attentionBias: Bool
  let innerBias: Bool
  let scoreDivisor: Double
  let isCausal: Bool
  /// Whether windows reach to both sides, half of them each.
  let halvesWindows: Bool
  let windows: WindowFields
  let angles: RotaryFields
  /// Path of `config.json`, for messages.
  let place: String

  init(_ fields: ConfigurationReader, _ traits: GatedTraits) throws(Failure) {
    self.traits = traits
    place = fields.place
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.turns)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: FieldRanges.width)
    keyHeads =
      try fields.optionalInteger(
        "num_key_value_heads", in: FieldRanges.width, default: traits.keyHeads) ?? heads
    headWidth =
      try fields.optionalInteger("head_dim", in: FieldRanges.width, default: traits.headWidth)
      ?? max(1, width / heads)
    intermediateWidth = try fields.integer("intermediate_size", in: FieldRanges.width)
    activation = try fields.activation(traits.activationField, default: traits.activation)
    epsilon = try fields.double("rms_norm_eps", in: FieldRanges.epsilon, default: traits.epsilon)
    attentionDropout = try fields.rate("attention_dropout", default: 0)
    let biases = [traits.queryKeyValueBias, traits.attentionOutputBias]
    attentionBias =
      biases.contains(.asSaid) ? try fields.bool("attention_bias", default: false) : false
    innerBias = traits.innerBias == .asSaid ? try fields.bool("mlp_bias", default: false) : false
    scoreDivisor =
      try traits.scoreDivisor.map { fallback throws(Failure) in
        try fields.double("query_pre_attn_scalar", in: FieldRanges.scoreDivisor, default: fallback)
      } ?? Double(headWidth)
    switch traits.direction {
    case .both: (isCausal, halvesWindows) = (false, false)
    case .causal:
      (isCausal, halvesWindows) = (try fields.bool("is_causal", default: true), false)
    case .causalUnlessBidirectional:
      let sees = try fields.optionalBool("use_bidirectional_attention") ?? false
      isCausal = try fields.bool("is_causal", default: true) && !sees
      halvesWindows = sees
    }
    windows = try WindowFields(fields, traits)
    angles = try RotaryFields(fields, traits)
  }
}

/// Fields that say which layers attend to their neighbourhood, and how far.
struct WindowFields {
  let rule: GatedTraits.Windows
  /// Nil where no layer may.
  let window: Int?
  /// The first layer that does, or every how manieth does not.
  let number: Int
  /// Kinds of attention of the layers.
  let kinds: JSON?
  /// Windows of the layers, 0 for none.
  let ofLayers: JSON?

  init(_ fields: ConfigurationReader, _ traits: GatedTraits) throws(Failure) {
    rule = traits.windows
    func window() throws(Failure) -> Int? {
      try fields.optionalInteger(
        "sliding_window", in: FieldRanges.count, default: traits.window)
    }
    kinds = rule == .none ? nil : fields.json("layer_types")
    ofLayers = rule == .twoOfThree ? fields.json("attention_windows") : nil
    switch rule {
    case .none: (self.window, number) = (nil, 0)
    case .all, .twoOfThree: (self.window, number) = (try window(), 0)
    case .later:
      let isUsed = try fields.bool("use_sliding_window", default: false)
      let given = try window()
      self.window = isUsed ? given : nil
      number = try fields.integer("max_window_layers", in: FieldRanges.token, default: 28)
    case .pattern:
      self.window = try window()
      number = try fields.integer("sliding_window_pattern", in: FieldRanges.count, default: 6)
    }
  }

  /// Whether each of the layers is local.
  ///
  /// - Throws: 78 for kinds that are not known or too few, and for local layers without a window.
  func areLocal(layers: Int, place: String) throws(Failure) -> [Bool] {
    guard let kinds else { return try byRule(layers, place) }
    let names = kinds.array?.compactMap(\.string) ?? []
    guard names.count == layers, names.count == kinds.array?.count,
      names.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) })
    else {
      throw .config(
        place,
        "layer_types: expected full_attention or sliding_attention for each of \(layers) layers")
    }
    let isLocal = names.map { $0 == "sliding_attention" }
    guard !isLocal.contains(true) || window != nil else {
      let others = rule == .later ? "use_sliding_window and sliding_window" : "sliding_window"
      throw .config(place, "layer_types: sliding_attention without \(others)")
    }
    return isLocal
  }

  private func byRule(_ layers: Int, _ place: String) throws(Failure) -> [Bool] {
    if let ofLayers {
      let widths = ofLayers.array?.compactMap(\.integer) ?? []
      guard widths.count == layers, Set(widths).subtracting([0]).count <= 1 else {
        throw .config(
          place, "attention_windows: expected 0 or one other number for each of \(layers) layers")
      }
      return widths.map { $0 != 0 }
    }
    guard window != nil else { return Array(repeating: false, count: layers) }
    return (0..<layers).map { layer in
      switch rule {
      case .none: false
      case .all: true
      case .later: layer >= number
      case .pattern: (layer + 1) % number != 0
      case .twoOfThree: (layer + 1) % 3 != 0
      }
    }
  }

  /// Tokens that local attention looks at.
  var width: Int? { ofLayers?.array?.compactMap(\.integer).first { $0 > 0 } ?? window }
}
