import Autograd
import Failures
import Kernels
import Tensors

/// A masked language model head, sparsified and pooled over the tokens: a weight for every term of
/// the vocabulary (Lightning IR `modeling_utils/lm_head.py`).
package struct VocabularyHead: Sendable {
  /// Layers in front of the decoder, each with the activation, and a norm.
  package let layers: [Linear]
  package let activation: Activation
  package let norm: LayerNorm?
  /// Decoder and bias, V outputs.
  package let decoder: Linear
  package let sparsification: Sparsification
  package let pooling: Pooling

  package var dimension: Int { decoder.outputs }

  /// Rows of logits that exist at a time where the pooling cannot be fused.
  private static let blockRows = 16

  /// What the decoder reads.
  private func transformed<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> O.Value {
    // Where the first token is pooled, only that of each text is needed from here on.
    let hidden = pooling == .first ? texts.firstStates() : texts.states()
    let inner = layers.reduce(hidden) { o.linear($0, $1, activation) }
    return norm.map { o.layerNorm(inner, $0) } ?? inner
  }

  /// The maximum over the tokens of the `count` largest logits of each, those above 0: [B,V].
  func callAsFunction<O: Operations>(
    largest count: Int, of texts: HeadInput<O>, _ o: O
  ) -> O.Value {
    o.linearTop(transformed(texts, o), decoder, keeping: count, texts.batch)
  }

  /// [B,V].
  func callAsFunction<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> O.Value {
    let transformed = transformed(texts, o)
    switch pooling {
    case .max: return sparsification.apply(o.linearMax(transformed, decoder, texts.batch), o)
    case .first: return sparsification.apply(o.linear(transformed, decoder), o)
    default: return pooledByBlocks(transformed, texts.batch, o)
    }
  }

  /// Sums and means do not commute with the sparsification: logits are made a few rows at a time.
  private func pooledByBlocks<O: Operations>(
    _ transformed: O.Value, _ batch: PackedBatch, _ o: O
  ) -> O.Value {
    var pooled: [O.Value] = []
    for sequence in 0..<batch.sequences {
      let range = batch.range(sequence)
      var total: O.Value?
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.blockRows) {
        let rows = start..<min(start + Self.blockRows, range.upperBound)
        let logits = sparsification.apply(o.linear(o.rows(transformed, rows), decoder), o)
        let sum = o.sumRows(logits)
        total = total.map { o.add($0, sum) } ?? sum
      }
      guard let total else { preconditionFailure("an empty sequence") }
      pooled.append(pooling == .mean ? o.scale(total, by: 1 / Float(range.count)) : total)
    }
    return o.stack(pooled)
  }
}

// MARK: Loading

extension VocabularyHead {
  init(_ settings: SpladeHead.Settings, _ loader: HeadLoader) throws(Failure) {
    let (description, backbone) = (loader.description, loader.backbone)
    let (folder, checkpoint) = (description.folder, loader.sources.main)
    let (width, vocabulary) = (backbone.width, backbone.vocabularySize)
    let scope = WeightScope(checkpoint, precisions: loader.precisions)
    let family = description.family?.languageModel
    let names = try Self.names(settings, description, checkpoint)
    let isOfTransformers = settings.naming == .transformers
    let isEmbeddingWide = isOfTransformers && family?.isEmbeddingWide == true
    let inner = isEmbeddingWide ? backbone.wordEmbeddings.columns : width
    let outputs =
      try Self.hasOwnOutputs(
        names, settings, folder, checkpoint, tiesByDefault: family?.tiesByDefault ?? true)
      ? try checkpoint.parameter(names.decoder, [vocabulary, inner], ofLayer: true)
      : backbone.wordEmbeddings
    guard outputs.columns == inner else {
      throw .config(folder.path, "tensor \(names.decoder) is missing")
    }
    activation = try Self.activation(family, settings, folder, backbone)
    let denseBias = try family?.denseBias.isThere(folder) ?? true
    if isOfTransformers, family?.isBare == true {
      (layers, norm) = ([], nil)
    } else if isOfTransformers, let between = family?.betweenField {
      let middle = try folder.integer(between.name, in: FieldRanges.width, default: between.default)
      layers = [
        try scope.linear(names.dense, inputs: width, outputs: middle, bias: denseBias),
        try scope.linear(names.norm, inputs: middle, outputs: inner, bias: denseBias),
      ]
      norm = nil
    } else {
      layers = [try scope.linear(names.dense, inputs: width, outputs: inner, bias: denseBias)]
      norm = try scope.layerNorm(
        names.norm, width: inner, epsilon: settings.epsilon ?? backbone.normEpsilon,
        bias: try family?.normBias.isThere(folder) ?? true)
    }
    decoder = try scope.linear(
      [outputs],
      try Self.decoderBias(
        names, isOfTransformers ? family?.decoderBias : nil, folder, checkpoint, vocabulary))
    sparsification = settings.sparsification
    pooling = settings.pooling
  }

  /// Whether the decoder has weights of its own, not those of the word embeddings.
  ///
  /// Lightning IR's has whatever is stored.
  private static func hasOwnOutputs(
    _ names: LanguageModelNames, _ settings: SpladeHead.Settings, _ folder: ModelFolder,
    _ checkpoint: Checkpoint, tiesByDefault: Bool
  ) throws(Failure) -> Bool {
    switch settings.naming {
    case .lightningIR: checkpoint.has(names.decoder)
    case .transformers:
      try OutputEmbeddings(folder, tiesByDefault: tiesByDefault).areStored(
        names.decoder, in: checkpoint)
    }
  }

  /// Names of the head's weights in the checkpoint.
  private static func names(
    _ settings: SpladeHead.Settings, _ description: ModelDescription,
    _ checkpoint: Checkpoint
  ) throws(Failure) -> LanguageModelNames {
    switch settings.naming {
    case .lightningIR:
      let rows = HeadNames.lightningIRLanguageModels
      return rows.first { checkpoint.has($0.norm + ".weight") } ?? rows[0]
    case .transformers:
      guard let head = description.family?.languageModel else {
        throw .config(
          description.folder.path,
          "language model heads of backbone \(description.backboneType) are not supported")
      }
      var names = head.names
      if let other = head.otherNorm, checkpoint.has(other + ".weight") { names.norm = other }
      return names
    }
  }

  /// The bias of the decoder; none where a folder says that its head has none.
  private static func decoderBias(
    _ names: LanguageModelNames, _ part: HeadPart?, _ folder: ModelFolder,
    _ checkpoint: Checkpoint, _ vocabulary: Int
  ) throws(Failure) -> [Parameter] {
    let found = names.biases.first { checkpoint.has($0) }
    checkpoint.ignore { names.biases.contains($0) }
    if let part, try !part.isThere(folder) { return [] }
    return [try checkpoint.parameter(found ?? names.biases[0], [vocabulary])]
  }

  /// The activation function of the head.
  ///
  /// A head of Lightning IR's, and one of transformers' that it would read as its own, has that of
  /// the layers where transformers' has a fixed one; a field counts for both.
  private static func activation(
    _ family: LanguageModelHead?, _ settings: SpladeHead.Settings,
    _ folder: ModelFolder, _ backbone: any Backbone
  ) throws(Failure) -> Activation {
    let isLightningIR = settings.naming == .lightningIR || settings.epsilon != nil
    switch family?.activation {
    case nil, .ofBackbone: return backbone.activation
    case .fixed where isLightningIR: return backbone.activation
    case .some(let activation):
      return try activation.function(folder, backbone: backbone.activation)
    }
  }
}
