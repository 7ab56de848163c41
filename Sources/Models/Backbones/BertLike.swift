import Autograd
import Failures
import Kernels

/// Fields that BERT's configuration shares with those of its descendants, by the names and with the
/// defaults of transformers' `BertConfig`.
struct BertLikeFields: Sendable {
  let maximumPositions: Int
  let positionKind: String
  let hiddenDropout: Float
  let width: Int
  let layers: Int
  let heads: Int
  let intermediateWidth: Int
  let activation: Activation
  let layerNormEpsilon: Double
  let attentionDropout: Float
  let vocabularySize: Int
  /// Whether a token attends to none behind it, as in a decoder.
  let isDecoder: Bool
  /// Whether layers attend to the states of another model, of which there are none here.
  let readsAnother: Bool
  /// Path of `config.json`, for messages.
  let place: String

  init(_ fields: ConfigurationReader, epsilon: Double = 1e-12) throws(Failure) {
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.count)
    positionKind = try fields.string("position_embedding_type", default: "absolute")
    hiddenDropout = try fields.rate("hidden_dropout_prob", default: 0.1)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: FieldRanges.width)
    intermediateWidth = try fields.integer("intermediate_size", in: FieldRanges.width)
    activation = try fields.activation("hidden_act", default: "gelu")
    layerNormEpsilon = try fields.double(
      "layer_norm_eps", in: FieldRanges.epsilon, default: epsilon)
    attentionDropout = try fields.rate("attention_probs_dropout_prob", default: 0.1)
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    isDecoder = try fields.bool("is_decoder", default: false)
    readsAnother = try fields.bool("add_cross_attention", default: false)
    place = fields.place
  }
}

extension EncoderShape {
  /// The shape of BERT and its descendants.
  ///
  /// - Throws: 78 for positions that are not supported, or heads that do not divide the width.
  init(bertLike fields: BertLikeFields) throws(Failure) {
    guard fields.positionKind == "absolute" else {
      throw .config(
        fields.place, "position_embedding_type: expected absolute, found \(fields.positionKind)")
    }
    // The reference refuses that, too; a decoder without another model's states leaves them out.
    guard !fields.readsAnother || fields.isDecoder else {
      throw .config(
        fields.place, "add_cross_attention: expected false where is_decoder is false, found true")
    }
    try self.init(
      width: fields.width, layers: fields.layers, heads: fields.heads,
      intermediateWidth: fields.intermediateWidth,
      activation: fields.activation,
      layerNormEpsilon: fields.layerNormEpsilon,
      dropout: DropoutRates(
        hidden: fields.hiddenDropout, attention: fields.attentionDropout,
        attentionOutput: fields.hiddenDropout),
      isCausal: fields.isDecoder,
      place: fields.place)
  }
}

extension BertLikeFields {
  /// Refuses a configuration whose padding token's id leaves no position to a text.
  ///
  /// - Parameters:
  ///   - longest: Tokens of the longest text.
  ///   - padding: The padding token's id, behind which positions begin.
  /// - Throws: 78 for it.
  func check(textsOf longest: Int, behind padding: Int) throws(Failure) {
    guard longest > 0 else {
      throw .config(place, "pad_token_id \(padding) leaves none of \(maximumPositions) positions")
    }
  }
}

extension PostNormEncoder.Names {
  /// The names of BERT's layers, which most of its descendants kept.
  static let bert = Self(
    layer: "encoder.layer",
    projections: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attentionOutput: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
    intermediate: "intermediate.dense", output: "output.dense", outputNorm: "output.LayerNorm")
}

/// A backbone of learned embeddings and layers like BERT's.
protocol BertLike: Backbone, BackboneFamily {
  var shape: EncoderShape { get }
  var embeddings: LearnedEmbeddings { get }

  /// Reads `embeddings` and the layers.
  ///
  /// - Throws: 78 for a tensor that is missing, or a field that asks for what is not supported.
  init(_ configuration: Configuration, _ weights: WeightScope) throws(Failure)
}

extension BertLike {
  package static var wordEmbeddings: [String] { ["embeddings.word_embeddings.weight"] }

  package static func load(
    _ configuration: Configuration, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try Self(configuration, weights)
  }

  package var width: Int { shape.width }
  package var layerCount: Int { shape.layers }
  package var activation: Activation { shape.activation }
  package var normEpsilon: Double { shape.layerNormEpsilon }
  package var vocabularySize: Int { embeddings.words.matrix.rows }
  package var wordEmbeddings: Parameter { embeddings.words }
}

/// Words, positions and perhaps segments, added up and mostly normalised.
struct LearnedEmbeddings: Sendable {
  let words: Parameter
  private let positions: Parameter
  private let segments: Parameter?
  private let norm: LayerNorm?
  private let dropout: Float

  /// Reads `embeddings`.
  ///
  /// - Parameters:
  ///   - weights: The backbone's.
  ///   - vocabulary: Rows of the table of words.
  ///   - positions: Rows of the table of positions.
  ///   - segments: Rows of the table of segments; nil for a model without it.
  ///   - width: Width of the tables; ELECTRA's layers may be wider.
  ///   - shape: The shape of the layers.
  ///   - hasNorm: Whether the sum is normalised.
  /// - Throws: 78 for a tensor that is missing or has another shape.
  init(
    _ weights: WeightScope, vocabulary: Int, positions: Int, segments: Int?, width: Int,
    _ shape: EncoderShape, hasNorm: Bool = true
  ) throws(Failure) {
    let weights = weights("embeddings")
    words = try weights.parameter("word_embeddings.weight", [vocabulary, width])
    self.positions = try weights.parameter("position_embeddings.weight", [positions, width])
    self.segments = try segments.map { count throws(Failure) in
      try weights.parameter("token_type_embeddings.weight", [count, width])
    }
    norm =
      hasNorm
      ? try weights.layerNorm("LayerNorm", width: width, epsilon: shape.layerNormEpsilon) : nil
    dropout = shape.dropout.hidden
  }

  /// [T,D]; `places[T]` are rows of the table of positions.
  func callAsFunction<O: Operations>(
    _ batch: PackedBatch, _ places: [Int32], _ o: O
  ) -> O.Value {
    let sum = o.embed(
      batch, word: words, type: segments, positions: PositionTable(positions, places))
    return o.dropout(norm.map { o.layerNorm(sum, $0) } ?? sum, rate: dropout, batch)
  }
}

extension PackedBatch {
  /// Positions that begin behind the padding token's id, as RoBERTa and MPNet count; a padding token
  /// in a text has the position `padding` and takes none.
  func positions(padding: Int32) -> [Int32] {
    var positions: [Int32] = []
    positions.reserveCapacity(tokens)
    for sequence in 0..<sequences {
      var next = padding
      for id in ids[range(sequence)] {
        if id != padding { next += 1 }
        positions.append(id == padding ? padding : next)
      }
    }
    return positions
  }
}
