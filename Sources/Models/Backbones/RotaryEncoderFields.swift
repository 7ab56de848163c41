import Autograd
import Failures
import JSON
import Kernels

/// What tells the families of `RotaryEncoder` apart.
package struct RotaryEncoderTraits: Sendable {
  var activation: String
  var epsilon = 1e-12
  var angleBase: Double
  /// Kinds of tokens where nothing says it.
  var segments: Int
  var hiddenDropout = 0.1
  var attentionDropout = 0.0
  /// Whether queries, keys, values and the output of attention have biases.
  var attentionBias = true
  /// Whether the second layer of networks has a bias.
  var outputBias = true
  var isGated = true
  /// Whether training drops elements inside networks.
  var dropsInside = false
  /// Whether positions turn queries and keys; else scores fall with the distance.
  var turns = true
  /// Whether training drops elements of what networks add to the states.
  var dropsOutput = true
  /// Whether fields may have the names of GPT-2, as on the hub.
  var hasOtherNames = false
  /// Whether fields say which layers have biases, gates or experts, as on nomic's hub.
  var hasSwitches = false
}

/// A family whose text is `RotaryEncoder`.
package protocol RotaryEncoderFamily: BackboneFamily
where Configuration == RotaryEncoderConfiguration<Self> {
  static var traits: RotaryEncoderTraits { get }
}

extension RotaryEncoderFamily {
  package static var wordEmbeddings: [String] { ["embeddings.word_embeddings.weight"] }

  package static func load(
    _ configuration: RotaryEncoderConfiguration<Self>, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try RotaryEncoder(configuration.fields, weights)
  }
}

/// A family's fields of `config.json`, with the defaults of its class in transformers 5.24.
package struct RotaryEncoderConfiguration<Family: RotaryEncoderFamily>: BackboneConfiguration {
  let fields: RotaryEncoderFields

  package var longestText: Int { fields.maximumPositions }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    self.fields = try RotaryEncoderFields(fields, Family.traits)
  }
}

/// The fields of `config.json` that the families of `RotaryEncoder` have.
struct RotaryEncoderFields: Sendable {
  let traits: RotaryEncoderTraits
  let vocabularySize: Int
  let maximumPositions: Int
  let width: Int
  let layers: Int
  let heads: Int
  let headWidth: Int
  let intermediateWidth: Int
  let isGated: Bool
  /// Whether queries, keys, values and the output of attention have biases.
  let attentionBias: Bool
  /// Whether the first and the second layer of networks have biases.
  let innerBias: Bool
  let outputBias: Bool
  /// Nil where no layer has any.
  let experts: ExpertFields?
  let segments: Int
  let activation: Activation
  let epsilon: Double
  let hiddenDropout: Float
  let attentionDropout: Float
  let angles: RotaryFields
  /// Path of `config.json`, for messages.
  let place: String

  init(_ fields: ConfigurationReader, _ traits: RotaryEncoderTraits) throws(Failure) {
    self.traits = traits
    place = fields.place
    func name(_ name: String, _ other: String) -> String {
      fields.present(name, or: traits.hasOtherNames ? other : nil)
    }
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer(
      name("max_position_embeddings", "n_positions"), in: FieldRanges.turns)
    width = try fields.integer(name("hidden_size", "n_embd"), in: FieldRanges.width)
    layers = try fields.integer(
      name("num_hidden_layers", "n_layer"), in: FieldRanges.layers)
    heads = try fields.integer(
      name("num_attention_heads", "n_head"), in: FieldRanges.width)
    intermediateWidth = try fields.integer(
      name("intermediate_size", "n_inner"), in: FieldRanges.width)
    segments = try fields.integer(
      "type_vocab_size", in: FieldRanges.token, default: traits.segments)
    headWidth = try fields.optionalInteger("head_dim", in: FieldRanges.width) ?? width / heads
    (activation, isGated) = try Self.activation(fields, traits)
    epsilon = try fields.double(
      name("layer_norm_eps", "layer_norm_epsilon"), in: FieldRanges.epsilon,
      default: traits.epsilon)
    hiddenDropout = Float(
      try fields.double(
        name("hidden_dropout_prob", "resid_pdrop"), in: FieldRanges.rate,
        default: traits.hiddenDropout))
    attentionDropout = Float(
      try fields.double(
        name("attention_probs_dropout_prob", "attn_pdrop"), in: FieldRanges.rate,
        default: traits.attentionDropout))
    func switched(_ name: String, _ fallback: Bool) throws(Failure) -> Bool {
      traits.hasSwitches ? try fields.bool(name, default: fallback) : fallback
    }
    attentionBias = try switched("qkv_proj_bias", traits.attentionBias)
    innerBias = try switched("mlp_fc1_bias", !isGated)
    outputBias = try switched("mlp_fc2_bias", traits.outputBias)
    experts =
      traits.hasSwitches
      ? try ExpertFields(
        fields, width: width, intermediateWidth: intermediateWidth, activation: activation,
        dropout: hiddenDropout) : nil
    angles = try RotaryFields(
      fields, base: traits.angleBase, named: name("rope_theta", "rotary_emb_base"))
    guard headWidth > 0, headWidth % 2 == 0 || !traits.turns else {
      throw .config(fields.place, "heads of the odd width \(headWidth) cannot turn")
    }
  }

  /// Refuses a field that asks for biases that the weights do not have.
  ///
  /// - Throws: 78 for it.
  func require(_ field: String, _ layer: String, _ weights: WeightScope) throws(Failure) {
    guard traits.hasSwitches, !weights.has("\(layer).bias") else { return }
    throw .config(
      place,
      "\(field): expected false, found true: tensor \(weights.prefix)\(layer).bias is missing")
  }

  /// The activation function, and whether it has gates; nomic_bert's name on the hub says both.
  private static func activation(
    _ fields: ConfigurationReader, _ traits: RotaryEncoderTraits
  ) throws(Failure) -> (Activation, isGated: Bool) {
    if !traits.turns {
      switch try fields.string("feed_forward_type", default: "geglu") {
      case "geglu": return (.gelu, true)
      case "reglu": return (.relu, true)
      case let other:
        throw .config(fields.place, "feed_forward_type \(other) is not supported")
      }
    }
    let field = fields.present(
      "hidden_act", or: traits.hasOtherNames ? "activation_function" : nil)
    let name = try fields.string(field, default: traits.activation)
    guard field == "activation_function", traits.hasSwitches else {
      return (try ActivationName.parse(name, of: field, at: fields.place), traits.isGated)
    }
    switch name {
    case "swiglu": return (.silu, true)
    case "geglu": return (.gelu, true)
    // Whichever it names, the modelling file takes this one.
    case "gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh": return (.gelu, false)
    default:
      throw .config(fields.place, "activation_function: \(name) is not supported")
    }
  }
}
