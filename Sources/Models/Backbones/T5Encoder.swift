import Autograd
import Failures
import Kernels

/// T5's encoder: norms in front of the layers, and a bias by distance that all layers share.
///
/// Raffel et al., arXiv:1910.10683; transformers 4.57.6 `models/t5/modeling_t5.py`.
package struct T5Encoder: Backbone {
  package let vocabularySize: Int
  package var layerCount: Int { layers.count }
  package let maximumTokens: Int
  package let wordEmbeddings: Parameter
  let shape: T5Shape
  private let layers: [Layer]
  private let attention: AttentionOptions
  private let finalNorm: RMSNorm

  package var width: Int { shape.width }
  package var activation: Activation { shape.activation }
  package var normEpsilon: Double { shape.epsilon }
  /// Token types are read and not used: there is no table for them.
  package var segmentCount: Int { 2 }

  private struct Layer: Sendable {
    let norm: RMSNorm
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let feedForward: T5FeedForward
  }

  /// Reads `shared` and `encoder`.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  init(_ configuration: T5Configuration, _ weights: WeightScope) throws(Failure) {
    shape = try T5Shape(configuration)
    vocabularySize = configuration.vocabularySize
    maximumTokens = configuration.longestText
    let name = T5.wordEmbeddings.first { weights.has($0) } ?? T5.wordEmbeddings[0]
    wordEmbeddings = try weights.parameter(name, [vocabularySize, shape.width])
    weights.ignore("encoder.embed_tokens.weight")
    let encoder = weights("encoder")
    var layers: [Layer] = []
    for i in 0..<configuration.layers {
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
      scale: 1, relative: try Self.relative(configuration, encoder)
    ).dropping(shape.dropout)
    finalNorm = try encoder.rmsNorm(
      "final_layer_norm", width: shape.width, epsilon: shape.epsilon)
  }

  private static func relative(
    _ configuration: T5Configuration, _ encoder: WeightScope
  ) throws(Failure) -> RelativePositions {
    let (buckets, distance) = (configuration.buckets, configuration.maximumDistance)
    guard buckets >= 4, buckets % 2 == 0, distance > buckets / 4 else {
      throw .config(
        configuration.place,
        "relative_attention_num_buckets: expected an even number of at least 4, and "
          + "relative_attention_max_distance above a quarter of it, found \(buckets) and \(distance)"
      )
    }
    return RelativePositions(
      table: try encoder.parameter(
        "block.0.layer.0.SelfAttention.relative_attention_bias.weight",
        [buckets, configuration.heads]),
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
