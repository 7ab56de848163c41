import Autograd
import Failures
import Kernels

/// T5 with one step of its decoder, which is all that ranking needs: its state decides about the
/// first token of an answer (monoT5, arXiv:2003.06713; RankT5, arXiv:2210.10634).
///
/// In the first step a token attends to itself alone, with the weight 1: queries, keys and
/// distances of the decoder's self-attention do not count. Embeddings come from the encoder alone,
/// `T5Encoder`.
package struct T5: Backbone, BackboneFamily {
  /// Starts the decoder, as in the reference (Lightning IR `models/cross_encoders/mono.py` at
  /// 98cb3fd).
  private static let startID: Int32 = 0

  private let encoder: T5Encoder
  private let layers: [Layer]
  private let finalNorm: RMSNorm

  package var vocabularySize: Int { encoder.vocabularySize }
  package var layerCount: Int { encoder.layerCount }
  package var wordEmbeddings: Parameter { encoder.wordEmbeddings }
  package var width: Int { encoder.width }
  package var activation: Activation { encoder.activation }
  package var normEpsilon: Double { encoder.normEpsilon }
  package var maximumTokens: Int { encoder.maximumTokens }
  package var segmentCount: Int { encoder.segmentCount }
  package var decodes: Bool { true }

  private struct Layer: Sendable {
    let selfNorm: RMSNorm
    let selfValue: Linear
    let selfOutput: Linear
    let crossNorm: RMSNorm
    let crossQuery: Linear
    let crossProjections: CrossProjections
    let crossOutput: Linear
    let feedForward: T5FeedForward
  }

  package static let wordEmbeddings = ["shared.weight", "encoder.embed_tokens.weight"]
  package static let answersInWords = true
  package static let fieldsWithoutEffect = [
    "n_positions", "output_past", "classifier_dropout",
  ]

  package static func load(
    _ configuration: T5Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    let encoder = try T5Encoder(configuration, weights)
    guard scoresPairs, configuration.hasDecoder else {
      // The reference makes a decoder of the encoder there, of which the weights know nothing.
      guard !configuration.isDecoder else {
        throw .config(configuration.place, "is_decoder: expected false, found true")
      }
      return encoder
    }
    return try T5(encoder, configuration, weights)
  }

  /// Reads `decoder`.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  private init(
    _ encoder: T5Encoder, _ configuration: T5Configuration, _ weights: WeightScope
  ) throws(Failure) {
    self.encoder = encoder
    guard configuration.startID ?? Int(Self.startID) == Int(Self.startID) else {
      throw .config(
        configuration.place,
        "decoder_start_token_id: expected \(Self.startID), found \(configuration.startID ?? 0)")
    }
    guard !configuration.sharesLayers else {
      throw .config(configuration.place, "tie_encoder_decoder: expected false, found true")
    }
    let shape = encoder.shape
    let decoder = weights("decoder")
    weights.ignore("decoder.embed_tokens.weight")
    var layers: [Layer] = []
    for i in 0..<(configuration.decoderLayers ?? configuration.layers) {
      layers.append(try Self.layer(decoder("block.\(i)"), shape))
    }
    self.layers = layers
    finalNorm = try decoder.rmsNorm(
      "final_layer_norm", width: shape.width, epsilon: shape.epsilon)
  }

  private static func layer(_ block: WeightScope, _ shape: T5Shape) throws(Failure) -> Layer {
    let (width, inner, epsilon) = (shape.width, shape.inner, shape.epsilon)
    let own = block("layer.0")
    let cross = block("layer.1")
    for name in ["q", "k", "relative_attention_bias"] {
      own.ignore("SelfAttention.\(name).weight")
    }
    cross.ignore("EncDecAttention.relative_attention_bias.weight")
    let attention = cross("EncDecAttention")
    return Layer(
      selfNorm: try own.rmsNorm("layer_norm", width: width, epsilon: epsilon),
      selfValue: try own.linear("SelfAttention.v", inputs: width, outputs: inner, bias: false),
      selfOutput: try own.linear("SelfAttention.o", inputs: inner, outputs: width, bias: false),
      crossNorm: try cross.rmsNorm("layer_norm", width: width, epsilon: epsilon),
      crossQuery: try attention.linear("q", inputs: width, outputs: inner, bias: false),
      crossProjections: try attention.crossProjections(
        key: "k", value: "v", inputs: width, outputs: inner, heads: shape.heads, scale: 1),
      crossOutput: try attention.linear("o", inputs: inner, outputs: width, bias: false),
      feedForward: try T5FeedForward(block("layer.2"), shape))
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let states = encoder(batch, o)
    var starts = PackedBatch()
    for _ in 0..<batch.sequences { starts.append(ids: [Self.startID], typeIDs: [UInt8(0)]) }
    let (rate, heads) = (encoder.shape.dropout, encoder.shape.heads)
    let embedded = o.embed(starts, word: wordEmbeddings, type: nil, positions: nil)
    var x = o.dropout(embedded, rate: rate, starts)
    for layer in layers {
      let value = o.linear(o.rmsNorm(x, layer.selfNorm), layer.selfValue)
      // The one weight is 1 whatever stands for queries and keys, or is dropped.
      let own = o.attention(
        o.concatenate([value, value, value]), heads: heads, starts,
        AttentionOptions().dropping(rate))
      x = o.linear(own, layer.selfOutput, adding: x, dropout: rate, starts)
      let query = o.linear(o.rmsNorm(x, layer.crossNorm), layer.crossQuery)
      let context = o.crossAttention(
        query, over: states, layer.crossProjections, batch, dropout: rate)
      let attended = o.linear(context, layer.crossOutput, adding: x, dropout: rate, starts)
      x = layer.feedForward(attended, starts, o)
    }
    return o.dropout(o.rmsNorm(x, finalNorm), rate: rate, starts)
  }
}
