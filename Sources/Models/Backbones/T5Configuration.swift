import Autograd
import Failures
import Kernels

/// T5's fields of `config.json`, with the defaults of transformers' `T5Config`.
package struct T5Configuration: BackboneConfiguration {
  let width: Int
  let headWidth: Int
  let heads: Int
  let intermediateWidth: Int
  let epsilon: Double
  /// Share of embeddings, attention weights, what every part of a layer adds, and the results.
  let dropout: Float
  /// Activation function of the feed-forward networks, behind `gated-` where half of their values
  /// gate the others.
  let projection: String
  /// Activation function and gate, where they are said beside `projection`, and count more.
  let activation: String?
  let isGated: Bool?
  let vocabularySize: Int
  let layers: Int
  let buckets: Int
  let maximumDistance: Int
  let hasDecoder: Bool
  /// Nil for what the reference begins with.
  let startID: Int?
  /// Nil for as many as the encoder has.
  let decoderLayers: Int?
  /// Whether the encoder alone is one whose tokens attend to none behind them.
  let isDecoder: Bool
  /// Whether the decoder's layers are the encoder's.
  let sharesLayers: Bool
  /// Path of `config.json`, for messages.
  let place: String

  /// Distances have no end.
  package var longestText: Int { .max }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    width = try fields.integer("d_model", alias: "hidden_size", in: FieldRanges.width)
    headWidth = try fields.integer(
      "d_kv", alias: "head_dim", in: FieldRanges.width, default: 64)
    heads = try fields.integer(
      "num_heads", alias: "num_attention_heads", in: FieldRanges.width, default: 8)
    intermediateWidth = try fields.integer("d_ff", in: FieldRanges.width)
    epsilon = try fields.double(
      "layer_norm_epsilon", in: FieldRanges.epsilon, default: 1e-6)
    dropout = try fields.rate("dropout_rate", default: 0.1)
    projection = try fields.string("feed_forward_proj", default: "relu")
    let own = try fields.string("dense_act_fn", default: "")
    activation = own.isEmpty ? nil : own
    isGated = try fields.optionalBool("is_gated_act")
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    layers = try fields.integer(
      "num_layers", alias: "num_hidden_layers", in: FieldRanges.layers)
    buckets = try fields.integer(
      "relative_attention_num_buckets", in: FieldRanges.count, default: 32)
    maximumDistance = try fields.integer(
      "relative_attention_max_distance", in: FieldRanges.count, default: 128)
    hasDecoder = try fields.bool("is_encoder_decoder", default: true)
    startID = try fields.optionalInteger(
      "decoder_start_token_id", in: FieldRanges.token)
    decoderLayers = try fields.optionalInteger("num_decoder_layers", in: FieldRanges.layers)
    isDecoder = try fields.bool("is_decoder", default: false)
    sharesLayers = try fields.bool("tie_encoder_decoder", default: false)
    place = fields.place
  }
}

/// Sizes of T5, whose heads together may be wider or narrower than its states.
struct T5Shape: Sendable {
  let width: Int
  let headWidth: Int
  let heads: Int
  let intermediateWidth: Int
  let activation: Activation
  /// Whether half of the intermediate values gate the others.
  let isGated: Bool
  let epsilon: Double
  let dropout: Float

  /// I: all heads side by side.
  var inner: Int { heads * headWidth }

  /// - Throws: 78 for an activation that is not supported.
  init(_ configuration: T5Configuration) throws(Failure) {
    width = configuration.width
    headWidth = configuration.headWidth
    heads = configuration.heads
    intermediateWidth = configuration.intermediateWidth
    epsilon = configuration.epsilon
    dropout = configuration.dropout
    let (projection, gate) = (configuration.projection, "gated-")
    let hasGate = projection.hasPrefix(gate)
    isGated = configuration.isGated ?? hasGate
    // The paper's "gelu" behind a gate is the approximation.
    let own = hasGate ? String(projection.dropFirst(gate.count)) : projection
    let name = projection == "gated-gelu" ? "gelu_new" : own
    activation =
      if let other = configuration.activation {
        try ActivationName.parse(other, of: "dense_act_fn", at: configuration.place)
      } else {
        try ActivationName.parse(name, of: "feed_forward_proj", at: configuration.place)
      }
  }
}

/// The feed-forward network of a T5 layer, with its norm and residual.
struct T5FeedForward: Sendable {
  private let norm: RMSNorm
  /// First layer; of a gated one the outputs are those that are activated, then those they gate.
  private let intermediate: Linear
  private let output: Linear
  private let shape: T5Shape

  init(_ weights: WeightScope, _ shape: T5Shape) throws(Failure) {
    self.shape = shape
    norm = try weights.rmsNorm("layer_norm", width: shape.width, epsilon: shape.epsilon)
    let dense = weights("DenseReluDense")
    intermediate = try dense.linear(
      shape.isGated ? ["wi_0", "wi_1"] : ["wi"], inputs: shape.width,
      outputs: shape.intermediateWidth, bias: false)
    output = try dense.linear(
      "wo", inputs: shape.intermediateWidth, outputs: shape.width, bias: false)
  }

  func callAsFunction<O: Operations>(_ x: O.Value, _ batch: PackedBatch, _ o: O) -> O.Value {
    let normed = o.rmsNorm(x, norm)
    let inner =
      shape.isGated
      ? o.gate(o.linear(normed, intermediate), shape.activation)
      : o.linear(normed, intermediate, shape.activation)
    return o.linear(
      o.dropout(inner, rate: shape.dropout, batch), output, adding: x, dropout: shape.dropout,
      batch)
  }
}
