import Autograd
import Failures
import JSON
import Kernels

/// EmbeddingGemma 2's fields of `config.json`, or of its `text_config`, with the defaults of transformers'
/// `EmbeddingGemma2TextConfig`.
package struct EmbeddingGemma2Configuration: BackboneConfiguration {
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
  let attentionBias: Bool
  let attentionDropout: Float
  /// Width of what each layer sees of the embeddings.
  let inputWidth: Int
  /// Width of the states behind the last layer.
  let outputs: Int
  /// Heads of layers that see all, where nothing says it for each layer.
  private let globalHeads: (headWidth: Int, keyHeads: Int)
  /// What is said for each layer.
  private let ofLayers: JSON?
  private let windows: WindowFields
  private let angles: RotaryFields
  /// Path of `config.json`, for messages.
  let place: String

  package var longestText: Int { maximumPositions }

  private static let traits = GatedTraits(
    windows: .pattern, window: 512, angleBase: 1_000_000, localAngleBase: 10_000)

  package init(_ fields: ConfigurationReader) throws(Failure) {
    let widths = FieldRanges.width
    place = fields.place
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.turns)
    width = try fields.integer("hidden_size", in: widths)
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: widths)
    keyHeads = try fields.integer("num_key_value_heads", in: widths, default: 2)
    headWidth = try fields.integer("head_dim", in: widths, default: 256)
    intermediateWidth = try fields.integer("intermediate_size", in: widths)
    activation = try fields.activation("hidden_activation", default: "gelu_pytorch_tanh")
    epsilon = try fields.double("rms_norm_eps", in: FieldRanges.epsilon, default: 1e-6)
    attentionBias = try fields.bool("attention_bias", default: false)
    attentionDropout = try fields.rate("attention_dropout", default: 0)
    inputWidth = try fields.integer("hidden_size_per_layer_input", in: widths, default: 512)
    outputs = try fields.integer("embedding_dim", in: widths, default: 768)
    globalHeads = (
      try fields.integer("global_head_dim", in: widths, default: 512),
      try fields.integer("num_global_key_value_heads", in: widths, default: 1)
    )
    ofLayers = fields.json("per_layer_config")
    windows = try WindowFields(fields, Self.traits)
    angles = try RotaryFields(fields, Self.traits, byKind: true)
  }

  /// Attention of a layer.
  struct Attention {
    var options: AttentionOptions
    var angles: RotaryPositions
    var headWidth: Int
    var keyHeads: Int
  }

  /// Attention of each layer.
  ///
  /// - Throws: 78 where the fields do not agree, or ask for what is not supported.
  func attentions() throws(Failure) -> [Attention] {
    var isLocal = try windows.areLocal(layers: layers, place: place)
    // transformers changes the last layer, with a warning.
    isLocal[layers - 1] = false
    let sizes = try sizes(isLocal)
    var angles: [Bool: (width: Int, RotaryPositions)] = [:]
    var attentions: [Attention] = []
    for (i, local) in isLocal.enumerated() {
      let (headWidth, keyHeads) = sizes[i]
      guard heads % keyHeads == 0 else {
        throw .config(
          place, "num_key_value_heads \(keyHeads) does not divide num_attention_heads \(heads)")
      }
      guard headWidth % 2 == 0 else {
        throw .config(place, "heads of the odd width \(headWidth) cannot turn")
      }
      if angles[local] == nil {
        angles[local] = (
          headWidth,
          RotaryPositions(
            try self.angles.frequencies(
              ofLocal: local, headWidth: headWidth, positions: maximumPositions))
        )
      }
      guard let known = angles[local], known.width == headWidth else {
        throw .config(
          place, "per_layer_config: layers of one kind of attention have heads of several widths")
      }
      var options = AttentionOptions(scale: 1, keyHeads: keyHeads).dropping(attentionDropout)
      // A window reaches so far to both sides.
      if local { options.reach = windows.width }
      attentions.append(
        Attention(options: options, angles: known.1, headWidth: headWidth, keyHeads: keyHeads))
    }
    return attentions
  }

  /// Widths of heads, and heads of keys and values, of each layer.
  private func sizes(
    _ isLocal: [Bool]
  ) throws(Failure) -> [(headWidth: Int, keyHeads: Int)] {
    guard let ofLayers else {
      return isLocal.map { $0 ? (headWidth, keyHeads) : globalHeads }
    }
    guard let members = ofLayers.members else {
      throw .config(place, "per_layer_config: expected an object, found \(ofLayers.excerpt)")
    }
    var sizes = isLocal.map { _ in (headWidth: headWidth, keyHeads: keyHeads) }
    for member in members {
      guard let layer = Int(member.key), sizes.indices.contains(layer) else {
        throw .config(
          place, "per_layer_config: expected layers from 0 to \(layers - 1), found \(member.key)")
      }
      for field in member.value.members ?? [] {
        let number = try NumberField(
          "per_layer_config.\(layer).\(field.key)", field.value, at: place
        ).optionalInteger(in: FieldRanges.width)
        switch (field.key, number) {
        case ("head_dim", let number?): sizes[layer].headWidth = number
        case ("num_key_value_heads", let number?): sizes[layer].keyHeads = number
        default:
          throw .config(
            place, "per_layer_config.\(layer): \(field.key) is not supported",
            hint: "layers may differ in head_dim and num_key_value_heads")
        }
      }
    }
    return sizes
  }
}
