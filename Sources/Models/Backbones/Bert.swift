import Autograd
import Failures
import Kernels

/// BERT: post-norm transformer encoder with learned positions.
///
/// Devlin et al., arXiv:1810.04805; transformers `models/bert/modeling_bert.py`.
package struct Bert: Backbone {
  package struct Configuration: Sendable {
    package let vocabularySize: Int
    package let width: Int
    package let layers: Int
    package let heads: Int
    package let intermediateWidth: Int
    package let activation: Activation
    package let layerNormEpsilon: Double
    package let maximumPositions: Int
    package let typeVocabularySize: Int

    /// - Throws: 78 for a field that is missing or asks for what this backbone does not do.
    package init(_ folder: ModelFolder) throws(Failure) {
      vocabularySize = try folder.integer("vocab_size")
      width = try folder.integer("hidden_size")
      layers = try folder.integer("num_hidden_layers")
      heads = try folder.integer("num_attention_heads")
      intermediateWidth = try folder.integer("intermediate_size")
      layerNormEpsilon = try folder.double("layer_norm_eps", default: 1e-12)
      maximumPositions = try folder.integer("max_position_embeddings")
      typeVocabularySize = try folder.integer("type_vocab_size", default: 2)
      activation = try ActivationName.parse(
        try folder.string("hidden_act", default: "gelu") ?? "gelu", at: folder.configPlace)
      let positions = try folder.string("position_embedding_type", default: "absolute")
      guard positions == "absolute" || positions == nil else {
        throw .config(
          folder.configPlace, "position_embedding_type \(positions ?? "") is not supported")
      }
      guard heads > 0, width > 0, width % heads == 0 else {
        throw .config(
          folder.configPlace, "hidden_size \(width) is no multiple of \(heads) attention heads")
      }
    }
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

  package let configuration: Configuration
  package let wordEmbeddings: Parameter
  private let positionEmbeddings: Parameter
  private let typeEmbeddings: Parameter
  private let embeddingNorm: LayerNorm
  private let encoder: [Layer]

  package var width: Int { configuration.width }
  package var vocabularySize: Int { configuration.vocabularySize }
  package var segmentCount: Int { configuration.typeVocabularySize }
  package var maximumTokens: Int { configuration.maximumPositions }

  /// `weights`: the scope that holds `embeddings` and `encoder`.
  package init(_ configuration: Configuration, _ weights: WeightScope) throws(Failure) {
    self.configuration = configuration
    let c = configuration
    let embeddings = weights("embeddings")
    wordEmbeddings = try embeddings.parameter(
      "word_embeddings.weight", [c.vocabularySize, c.width])
    positionEmbeddings = try embeddings.parameter(
      "position_embeddings.weight", [c.maximumPositions, c.width])
    typeEmbeddings = try embeddings.parameter(
      "token_type_embeddings.weight", [c.typeVocabularySize, c.width])
    embeddingNorm = try embeddings.layerNorm(
      "LayerNorm", width: c.width, epsilon: c.layerNormEpsilon)
    var encoder: [Layer] = []
    for i in 0..<c.layers { encoder.append(try Self.layer(weights("encoder.layer.\(i)"), c)) }
    self.encoder = encoder
  }

  private static func layer(
    _ weights: WeightScope, _ c: Configuration
  ) throws(Failure) -> Layer {
    Layer(
      queryKeyValue: try weights.linear(
        ["attention.self.query", "attention.self.key", "attention.self.value"], inputs: c.width,
        outputs: c.width),
      attentionOutput: try weights.linear(
        "attention.output.dense", inputs: c.width, outputs: c.width),
      attentionNorm: try weights.layerNorm(
        "attention.output.LayerNorm", width: c.width, epsilon: c.layerNormEpsilon),
      intermediate: try weights.linear(
        "intermediate.dense", inputs: c.width, outputs: c.intermediateWidth),
      output: try weights.linear("output.dense", inputs: c.intermediateWidth, outputs: c.width),
      outputNorm: try weights.layerNorm(
        "output.LayerNorm", width: c.width, epsilon: c.layerNormEpsilon))
  }

  package func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    var x = o.layerNorm(
      o.embed(
        batch, word: wordEmbeddings, type: typeEmbeddings, position: positionEmbeddings,
        firstPosition: 0), embeddingNorm)
    for layer in encoder {
      let context = o.attention(
        o.linear(x, layer.queryKeyValue), heads: configuration.heads, batch)
      x = o.layerNorm(o.linear(context, layer.attentionOutput, adding: x), layer.attentionNorm)
      let inner = o.linear(x, layer.intermediate, configuration.activation)
      x = o.layerNorm(o.linear(inner, layer.output, adding: x), layer.outputNorm)
    }
    return x
  }
}
