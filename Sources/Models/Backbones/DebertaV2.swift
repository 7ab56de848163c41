import Autograd
import Failures
import JSON
import Kernels

/// DeBERTa v2 and v3: BERT whose attention compares contents with distances.
///
/// He et al., arXiv:2006.03654, arXiv:2111.09543; transformers 5.24
/// `models/deberta_v2/modeling_deberta_v2.py`.
package struct DebertaV2: Backbone, BackboneFamily {
  private let fields: DebertaV2Configuration
  package let wordEmbeddings: Parameter
  private let embeddings: DebertaV2Embeddings
  /// The table of distances, and the norm that it may go through.
  private let distances: (table: Parameter, norm: LayerNorm?)?
  private let convolution: (linear: Linear, norm: LayerNorm)?
  private let layers: [DebertaV2Layer]

  package var width: Int { fields.width }
  package var layerCount: Int { layers.count }
  package var vocabularySize: Int { fields.vocabularySize }
  package var maximumTokens: Int { fields.longestText }
  package var activation: Activation { fields.activation }
  package var normEpsilon: Double { fields.epsilon }
  /// Where there is no table, token types are read and not used.
  package var segmentCount: Int { fields.segments > 0 ? fields.segments : 2 }

  package static let wordEmbeddings = ["embeddings.word_embeddings.weight"]
  package static let classifier: ClassifierHead? = ClassifierHead(
    pooler: "pooler.dense", poolerActivation: .field("pooler_hidden_act", default: "gelu"),
    outputs: "classifier")
  package static let fieldsWithoutEffect = ["pooler_dropout", "pooler_hidden_size", "legacy"]
  package static let limitedFields = [
    LimitedField("conv_groups", "1") { value, _ in value.integer == 1 }
  ]

  package static func load(
    _ configuration: DebertaV2Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try DebertaV2(configuration, weights)
  }

  private init(_ fields: DebertaV2Configuration, _ weights: WeightScope) throws(Failure) {
    self.fields = fields
    try fields.check()
    embeddings = try DebertaV2Embeddings(fields, weights("embeddings"))
    wordEmbeddings = embeddings.words
    let encoder = weights("encoder")
    var layers: [DebertaV2Layer] = []
    for i in 0..<fields.layers {
      layers.append(try DebertaV2Layer(fields, encoder("layer.\(i)")))
    }
    self.layers = layers
    distances = try fields.comparesDistances ? Self.distances(fields, encoder) : nil
    if !fields.comparesDistances {
      encoder.ignore("rel_embeddings.weight")
      for part in ["weight", "bias"] { encoder.ignore("LayerNorm.\(part)") }
    }
    convolution = try fields.taps > 0 ? Self.convolution(fields, encoder("conv")) : nil
  }

  private static func distances(
    _ fields: DebertaV2Configuration, _ weights: WeightScope
  ) throws(Failure) -> (Parameter, LayerNorm?) {
    let table = try weights.parameter(
      "rel_embeddings.weight", [2 * fields.buckets.span, fields.width])
    return (
      table,
      fields.normalizesDistances
        ? try weights.layerNorm("LayerNorm", width: fields.width, epsilon: fields.epsilon) : nil
    )
  }

  private static func convolution(
    _ fields: DebertaV2Configuration, _ weights: WeightScope
  ) throws(Failure) -> (Linear, LayerNorm) {
    let (width, taps) = (fields.width, fields.taps)
    let weight = try weights.parameter("conv.weight", [width, width, taps])
    let bias = try weights.parameter("conv.bias", [width])
    return (
      try weights.linear([weight.reshaped([width, width * taps])], [bias]),
      try weights.layerNorm("LayerNorm", width: width, epsilon: fields.epsilon)
    )
  }

  package func callAsFunction<O: Operations>(
    _ batch: PackedBatch, onlyFirst: Bool, _ o: O
  ) -> O.Value {
    let embedded = embeddings(batch, o)
    let table = distances.map { distances in
      let rows = o.embed(
        PackedBatch.counting(distances.table.rows), word: distances.table, type: nil,
        positions: nil)
      return distances.norm.map { o.layerNorm(rows, $0) } ?? rows
    }
    var x = embedded
    for (i, layer) in layers.enumerated() {
      // The table goes into every layer, so that it is no part of what a tape computes again.
      x = layer(o.entering(x), table, batch, o)
      if i == 0, let convolution {
        let around = o.neighbours(embedded, taps: fields.taps, batch)
        let filtered = o.linear(around, convolution.linear)
        let dropped = o.dropout(filtered, rate: fields.hiddenDropout, batch)
        let activated = fields.convolutionActivation.function.map { o.map(dropped, $0) } ?? dropped
        x = o.layerNorm(o.add(x, activated), convolution.norm)
      }
    }
    return onlyFirst ? o.pool(x, .first, batch) : x
  }
}

/// Words, perhaps positions and segments, perhaps made as wide as the layers, and normalised.
struct DebertaV2Embeddings: Sendable {
  let words: Parameter
  private let positions: Parameter?
  private let segments: Parameter?
  private let projection: Linear?
  private let norm: LayerNorm
  private let dropout: Float

  init(_ fields: DebertaV2Configuration, _ weights: WeightScope) throws(Failure) {
    let width = fields.embeddingWidth
    words = try weights.parameter("word_embeddings.weight", [fields.vocabularySize, width])
    positions =
      fields.addsPositions
      ? try weights.parameter("position_embeddings.weight", [fields.maximumPositions, width]) : nil
    segments =
      fields.segments > 0
      ? try weights.parameter("token_type_embeddings.weight", [fields.segments, width]) : nil
    projection =
      width == fields.width
      ? nil
      : try weights.linear("embed_proj", inputs: width, outputs: fields.width, bias: false)
    norm = try weights.layerNorm("LayerNorm", width: fields.width, epsilon: fields.epsilon)
    dropout = fields.hiddenDropout
  }

  func callAsFunction<O: Operations>(_ batch: PackedBatch, _ o: O) -> O.Value {
    let sum = o.embed(
      batch, word: words, type: segments,
      positions: positions.map { PositionTable($0, batch.positions) })
    let wide = projection.map { o.linear(sum, $0) } ?? sum
    return o.dropout(o.layerNorm(wide, norm), rate: dropout, batch)
  }
}
