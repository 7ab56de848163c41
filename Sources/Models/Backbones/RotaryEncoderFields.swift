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
  let segments: Int
  let activation: Activation
  let epsilon: Double
  let hiddenDropout: Float
  let attentionDropout: Float
  let angles: RotaryFields

  init(_ fields: ConfigurationReader, _ traits: RotaryEncoderTraits) throws(Failure) {
    self.traits = traits
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
    activation = try Self.activation(fields, traits)
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
    angles = try RotaryFields(
      fields, base: traits.angleBase, named: name("rope_theta", "rotary_emb_base"))
    guard headWidth > 0, headWidth % 2 == 0 || !traits.turns else {
      throw .config(fields.place, "heads of the odd width \(headWidth) cannot turn")
    }
  }

  /// The activation function; nomic_bert's name on the hub has that of its gates.
  private static func activation(
    _ fields: ConfigurationReader, _ traits: RotaryEncoderTraits
  ) throws(Failure) -> Activation {
    if !traits.turns {
      switch try fields.string("feed_forward_type", default: "geglu") {
      case "geglu": return .gelu
      case "reglu": return .relu
      case let other:
        throw .config(fields.place, "feed_forward_type \(other) is not supported")
      }
    }
    let field = fields.present(
      "hidden_act", or: traits.hasOtherNames ? "activation_function" : nil)
    switch (field, try fields.string(field, default: traits.activation)) {
    case ("activation_function", "swiglu"): return .silu
    case ("activation_function", "geglu"): return .gelu
    case (_, let name): return try ActivationName.parse(name, of: field, at: fields.place)
    }
  }
}
