import Autograd
import Failures
import Kernels

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
  /// Of embeddings, attention weights, what every part of a layer adds, and the results.
  let dropout: Float

  /// I: all heads side by side.
  var inner: Int { heads * headWidth }

  init(_ folder: ModelFolder) throws(Failure) {
    width = try folder.integer("d_model")
    headWidth = try folder.integer("d_kv", default: 64)
    heads = try folder.integer("num_heads", default: 8)
    intermediateWidth = try folder.integer("d_ff")
    epsilon = try folder.double("layer_norm_epsilon", default: 1e-6)
    dropout = try folder.rate("dropout_rate")
    guard width > 0, headWidth > 0, heads > 0, intermediateWidth > 0 else {
      throw .config(folder.configPlace, "d_model, d_kv, num_heads or d_ff is not positive")
    }
    // `ACT` or `gated-ACT`; the paper's "gelu" behind a gate is the approximation.
    let projection = try folder.string("feed_forward_proj", default: "relu") ?? "relu"
    isGated = projection.hasPrefix("gated-")
    let name = isGated ? String(projection.dropFirst("gated-".count)) : projection
    activation = try ActivationName.parse(
      projection == "gated-gelu" ? "gelu_new" : name, at: folder.configPlace)
  }
}

/// The feed-forward network of a T5 layer, with its norm and residual.
struct T5FeedForward: Sendable {
  private let norm: RMSNorm
  /// Where it is gated, what is activated and then what it gates.
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

/// T5's encoder: norms in front of the layers, and a bias by distance that all layers share.
///
/// Raffel et al., arXiv:1910.10683; transformers `models/t5/modeling_t5.py`.
package struct T5Encoder: Backbone {
  package let vocabularySize: Int
  package let wordEmbeddings: Parameter
  let shape: T5Shape
  private let layers: [Layer]
  private let attention: AttentionOptions
  private let finalNorm: RMSNorm

  package var width: Int { shape.width }
  package var activation: Activation { shape.activation }
  package var normEpsilon: Double { shape.epsilon }
  /// Distances have no end.
  package var maximumTokens: Int { .max }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  private struct Layer: Sendable {
    let norm: RMSNorm
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let feedForward: T5FeedForward
  }

  /// Reads the encoder of a folder; `weights` holds `shared` and `encoder`.
  ///
  /// Throws: 78 for a field or a tensor that is missing, or that asks for what this does not do.
  package init(_ folder: ModelFolder, _ weights: WeightScope) throws(Failure) {
    shape = try T5Shape(folder)
    vocabularySize = try folder.integer("vocab_size")
    let name = weights.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight"
    wordEmbeddings = try weights.parameter(name, [vocabularySize, shape.width])
    weights.ignore("encoder.embed_tokens.weight")
    let encoder = weights("encoder")
    var layers: [Layer] = []
    for i in 0..<(try folder.integer("num_layers")) {
      let block = encoder("block.\(i)")
      let attention = block("layer.0")
      layers.append(
        Layer(
          norm: try attention.rmsNorm("layer_norm", width: shape.width, epsilon: shape.epsilon),
          queryKeyValue: try attention("SelfAttention").linear(
            ["q", "k", "v"], inputs: shape.width, outputs: shape.inner, bias: false),
          attentionOutput: try attention("SelfAttention").linear(
            "o", inputs: shape.inner, outputs: shape.width, bias: false),
          feedForward: try T5FeedForward(block("layer.1"), shape)))
    }
    self.layers = layers
    attention = AttentionOptions(
      scale: 1, relative: try Self.relative(folder, encoder, heads: shape.heads)
    ).dropping(shape.dropout)
    finalNorm = try encoder.rmsNorm(
      "final_layer_norm", width: shape.width, epsilon: shape.epsilon)
  }

  private static func relative(
    _ folder: ModelFolder, _ encoder: WeightScope, heads: Int
  ) throws(Failure) -> RelativePositions {
    let buckets = try folder.integer("relative_attention_num_buckets", default: 32)
    let distance = try folder.integer("relative_attention_max_distance", default: 128)
    guard buckets >= 4, buckets % 2 == 0, distance > buckets / 4 else {
      throw .config(
        folder.configPlace,
        "relative_attention_num_buckets \(buckets) with relative_attention_max_distance "
          + "\(distance) is not supported")
    }
    return RelativePositions(
      table: try encoder.parameter(
        "block.0.layer.0.SelfAttention.relative_attention_bias.weight", [buckets, heads]),
      maximumDistance: distance)
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let embedded = o.embed(batch, word: wordEmbeddings, type: nil, positions: nil)
    var x = o.dropout(embedded, rate: shape.dropout, batch)
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, $0, batch, onlyFirst: narrows, o) }
    }
    return o.dropout(o.rmsNorm(x, finalNorm), rate: shape.dropout, batch)
  }

  private func run<O: Operations>(
    _ layer: Layer, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let qkv = o.linear(o.rmsNorm(x, layer.norm), layer.queryKeyValue)
    let options = attention.following(layer.queryKeyValue)
    let context = o.attention(
      qkv, heads: shape.heads, batch, onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let attended = o.linear(
      context, layer.attentionOutput, adding: x, dropout: shape.dropout, batch)
    return layer.feedForward(attended, batch, o)
  }
}
