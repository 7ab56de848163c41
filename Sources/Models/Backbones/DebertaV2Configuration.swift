import Autograd
import Failures
import JSON
import Kernels

/// DeBERTa's fields of `config.json`, with the defaults of transformers' `DebertaV2Config`.
package struct DebertaV2Configuration: BackboneConfiguration {
  let vocabularySize: Int
  let maximumPositions: Int
  let width: Int
  let embeddingWidth: Int
  let layers: Int
  let heads: Int
  let headWidth: Int
  let innerWidth: Int
  let segments: Int
  let activation: Activation
  let epsilon: Double
  let hiddenDropout: Float
  let attentionDropout: Float
  let addsPositions: Bool
  let isRelative: Bool
  let sharesProjections: Bool
  let normalizesDistances: Bool
  /// Tokens that the convolution behind the first layer sees; 0 for none.
  let taps: Int
  let convolutionActivation: Activation
  let buckets: DistanceBuckets
  /// Whether scores compare contents with keys, and with queries, of distances.
  let hasKeys: Bool
  let hasQueries: Bool
  /// Path of `config.json`, for messages.
  let place: String

  package var longestText: Int { maximumPositions }

  /// Whether scores depend on distances.
  var comparesDistances: Bool { isRelative && (hasKeys || hasQueries) }

  /// Factor of the scores, each of whose sums counts.
  var scale: Float {
    1 / (Float(headWidth) * Float(1 + (hasKeys ? 1 : 0) + (hasQueries ? 1 : 0))).squareRoot()
  }

  package init(_ fields: ConfigurationReader) throws(Failure) {
    place = fields.place
    vocabularySize = try fields.integer("vocab_size", in: FieldRanges.count)
    maximumPositions = try fields.integer("max_position_embeddings", in: FieldRanges.turns)
    width = try fields.integer("hidden_size", in: FieldRanges.width)
    embeddingWidth =
      try fields.optionalInteger("embedding_size", in: FieldRanges.width) ?? width
    layers = try fields.integer("num_hidden_layers", in: FieldRanges.layers)
    heads = try fields.integer("num_attention_heads", in: FieldRanges.width)
    headWidth =
      try fields.optionalInteger("attention_head_size", in: FieldRanges.width)
      ?? max(1, width / heads)
    innerWidth = try fields.integer("intermediate_size", in: FieldRanges.width)
    segments = try fields.integer("type_vocab_size", in: FieldRanges.token, default: 0)
    activation = try fields.activation("hidden_act", default: "gelu")
    epsilon = try fields.double("layer_norm_eps", in: FieldRanges.epsilon, default: 1e-7)
    hiddenDropout = try fields.rate("hidden_dropout_prob", default: 0.1)
    attentionDropout = try fields.rate("attention_probs_dropout_prob", default: 0.1)
    addsPositions = try fields.bool("position_biased_input", default: true)
    isRelative = try fields.bool("relative_attention", default: false)
    sharesProjections = try fields.bool("share_att_key", default: false)
    let norms = try fields.string("norm_rel_ebd", default: "none").lowercased()
    normalizesDistances = norms.split(separator: "|").contains { $0.trimmed == "layer_norm" }
    taps = try fields.integer("conv_kernel_size", in: 0...63, default: 0)
    convolutionActivation = try fields.activation("conv_act", default: "tanh")
    let kinds = try Self.kinds(fields)
    (hasKeys, hasQueries) = (kinds.contains("c2p"), kinds.contains("p2c"))
    let exact = try fields.integer("position_buckets", in: -1...Int(Int32.max), default: -1)
    let said = try fields.integer(
      "max_relative_positions", in: -1...Int(Int32.max), default: -1)
    let greatest = said < 1 ? maximumPositions : said
    buckets = DistanceBuckets(
      span: exact > 0 ? exact : greatest, exact: max(exact, 0), greatest: greatest)
  }

  /// `c2p` and `p2c`, in a list or with bars between them.
  private static func kinds(_ fields: ConfigurationReader) throws(Failure) -> [String] {
    guard let json = fields.json("pos_att_type") else { return [] }
    if let text = json.string {
      return text.lowercased().split(separator: "|").map { String($0.trimmed) }
    }
    guard let names = json.array?.compactMap(\.string), names.count == json.array?.count else {
      throw .config(
        fields.place, "pos_att_type: expected a list of c2p and p2c, found \(json.excerpt)")
    }
    return names
  }

  /// - Throws: 78 where sizes do not fit.
  func check() throws(Failure) {
    guard width % heads == 0 else {
      throw .config(place, "the hidden size \(width) is no multiple of \(heads) attention heads")
    }
    guard taps == 0 || taps % 2 == 1 else {
      throw .config(place, "conv_kernel_size: expected an odd number, found \(taps)")
    }
  }
}

extension Substring {
  /// Without blanks around it.
  fileprivate var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}
