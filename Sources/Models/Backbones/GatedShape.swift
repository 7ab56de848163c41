import Autograd
import Failures
import Kernels

/// Sizes and switches of a `GatedTransformer`.
struct GatedShape: Sendable {
  let traits: GatedTraits
  let vocabularySize: Int
  let maximumTokens: Int
  let width: Int
  let heads: Int
  let keyHeads: Int
  let headWidth: Int
  let intermediateWidth: Int
  let activation: Activation
  let epsilon: Double
  let queryKeyValueBias: Bool
  let attentionOutputBias: Bool
  let innerBias: Bool
  /// Attention of each layer, and the angles by which its queries and keys turn.
  let attentions: [(options: AttentionOptions, angles: RotaryPositions)]

  /// - Throws: 78 where the fields do not agree, or ask for what is not supported.
  init(_ fields: GatedFields) throws(Failure) {
    traits = fields.traits
    vocabularySize = fields.vocabularySize
    maximumTokens = fields.maximumPositions
    width = fields.width
    (heads, keyHeads, headWidth) = (fields.heads, fields.keyHeads, fields.headWidth)
    intermediateWidth = fields.intermediateWidth
    activation = fields.activation
    epsilon = fields.epsilon
    queryKeyValueBias = Self.isThere(traits.queryKeyValueBias, fields.attentionBias)
    attentionOutputBias = Self.isThere(traits.attentionOutputBias, fields.attentionBias)
    innerBias = Self.isThere(traits.innerBias, fields.innerBias)
    guard heads % keyHeads == 0 else {
      throw .config(
        fields.place,
        "num_key_value_heads \(keyHeads) does not divide num_attention_heads \(heads)")
    }
    guard headWidth % 2 == 0 else {
      throw .config(fields.place, "heads of the odd width \(headWidth) cannot turn")
    }
    attentions = try Self.attentions(fields)
  }

  private static func isThere(_ bias: GatedTraits.Bias, _ said: Bool) -> Bool {
    switch bias {
    case .never: false
    case .always: true
    case .asSaid: said
    }
  }

  private static func attentions(
    _ fields: GatedFields
  ) throws(Failure) -> [(options: AttentionOptions, angles: RotaryPositions)] {
    let isLocal = try fields.windows.areLocal(layers: fields.layers, place: fields.place)
    let (positions, width) = (fields.maximumPositions, fields.headWidth)
    let angles = RotaryPositions(
      try fields.angles.frequencies(ofLocal: false, headWidth: width, positions: positions))
    var local = angles
    if fields.angles.differ, isLocal.contains(true) {
      local = RotaryPositions(
        try fields.angles.frequencies(ofLocal: true, headWidth: width, positions: positions))
    }
    let options = AttentionOptions(
      scale: Float(1 / fields.scoreDivisor.squareRoot()), isCausal: fields.isCausal,
      keyHeads: fields.keyHeads
    ).dropping(fields.attentionDropout)
    var near = options
    near.reach = fields.windows.width.map { reach(of: $0, fields) }
    return isLocal.map { $0 ? (near, local) : (options, angles) }
  }

  /// Largest distance within a window (transformers 5.24 `masking_utils.py`): a decoder's window
  /// counts the token that asks, and that of others does not.
  private static func reach(of window: Int, _ fields: GatedFields) -> Int {
    if fields.halvesWindows { return window / 2 }
    return fields.isCausal ? window - 1 : window
  }
}
