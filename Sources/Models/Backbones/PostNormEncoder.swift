import Autograd
import Failures
import Kernels

/// Sizes of a transformer encoder.
struct EncoderShape: Sendable {
  let width: Int
  let layers: Int
  let heads: Int
  let intermediateWidth: Int
  let activation: Activation
  let layerNormEpsilon: Double
  let dropout: DropoutRates
  /// Whether a token attends to none behind it.
  let isCausal: Bool

  /// - Throws: 78 where the heads do not divide the width.
  init(
    width: Int, layers: Int, heads: Int, intermediateWidth: Int, activation: Activation,
    layerNormEpsilon: Double, dropout: DropoutRates, isCausal: Bool = false, place: String
  ) throws(Failure) {
    guard heads > 0, width > 0, width % heads == 0 else {
      throw .config(place, "the hidden size \(width) is no multiple of \(heads) attention heads")
    }
    self.width = width
    self.layers = layers
    self.heads = heads
    self.intermediateWidth = intermediateWidth
    self.activation = activation
    self.layerNormEpsilon = layerNormEpsilon
    self.dropout = dropout
    self.isCausal = isCausal
  }
}

/// Shares of elements that training drops.
struct DropoutRates: Sendable, Equatable {
  /// Share of the embeddings and of what feed-forward networks add.
  var hidden: Float = 0
  /// Share of the weights of attention.
  var attention: Float = 0
  /// Share of what attention adds.
  var attentionOutput: Float = 0
}

/// The layers that BERT and its relatives share: attention, then a feed-forward network, each with
/// a residual and a normalisation behind it (Vaswani et al., arXiv:1706.03762).
struct PostNormEncoder: Sendable {
  /// Names of the parts of a layer in a checkpoint.
  struct Names: Sendable {
    var layer: String
    /// Query, key and value.
    var projections: [String]
    var attentionOutput: String
    var attentionNorm: String
    var intermediate: String
    var output: String
    var outputNorm: String
  }

  private struct Layer: Sendable {
    /// Query, key and value, side by side.
    let queryKeyValue: Linear
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    let intermediate: Linear
    let output: Linear
    let outputNorm: LayerNorm
  }

  private let shape: EncoderShape
  private let layers: [Layer]
  private let attention: AttentionOptions

  init(
    _ shape: EncoderShape, _ names: Names, _ weights: WeightScope,
    attention: AttentionOptions = AttentionOptions()
  ) throws(Failure) {
    self.shape = shape
    var attention = attention.dropping(shape.dropout.attention)
    attention.isCausal = shape.isCausal
    self.attention = attention
    var layers: [Layer] = []
    for i in 0..<shape.layers {
      layers.append(try Self.layer(weights("\(names.layer).\(i)"), names, shape))
    }
    self.layers = layers
  }

  private static func layer(
    _ weights: WeightScope, _ names: Names, _ shape: EncoderShape
  ) throws(Failure) -> Layer {
    let (width, inner, epsilon) = (shape.width, shape.intermediateWidth, shape.layerNormEpsilon)
    return Layer(
      queryKeyValue: try weights.linear(names.projections, inputs: width, outputs: width),
      attentionOutput: try weights.linear(names.attentionOutput, inputs: width, outputs: width),
      attentionNorm: try weights.layerNorm(names.attentionNorm, width: width, epsilon: epsilon),
      intermediate: try weights.linear(names.intermediate, inputs: width, outputs: inner),
      output: try weights.linear(names.output, inputs: inner, outputs: width),
      outputNorm: try weights.layerNorm(names.outputNorm, width: width, epsilon: epsilon))
  }

  /// Embeddings [T,D] to hidden states [T,D], or [B,D] as `Backbone` has it.
  func callAsFunction<O: Operations>(
    _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    var x = x
    for (i, layer) in layers.enumerated() {
      let narrows = onlyFirst && i == layers.count - 1
      x = o.layer(x) { run(layer, i, $0, batch, onlyFirst: narrows, o) }
    }
    return x
  }

  private func run<O: Operations>(
    _ layer: Layer, _ number: Int, _ x: O.Value, _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let rates = shape.dropout
    let states = o.draw(x, batch, layer: number)
    let options = attention.following(layer.queryKeyValue)
    let context = o.attention(
      o.linear(states, layer.queryKeyValue), heads: shape.heads, batch,
      onlyFirst ? options.ofFirstQueries : options)
    let x = onlyFirst ? o.pool(x, .first, batch) : x
    let attended = o.layerNorm(
      o.linear(
        context, layer.attentionOutput, adding: x, dropout: rates.attentionOutput, batch),
      layer.attentionNorm)
    let inner = o.linear(attended, layer.intermediate, shape.activation)
    return o.layerNorm(
      o.linear(inner, layer.output, adding: attended, dropout: rates.hidden, batch),
      layer.outputNorm)
  }
}
