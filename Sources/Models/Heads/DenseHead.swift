import Autograd
import Failures
import JSON
import Kernels
import Tensors
import Vectors

/// Function of the elements of an embedding that makes many of them zero.
///
/// Lightning IR `modeling_utils/embedding_post_processing.py`.
package enum Sparsification: String, Sendable, CaseIterable {
  case none
  case relu
  /// log(1 + max(x, 0))
  case reluLog = "relu_log"
  /// log(1 + log(1 + max(x, 0)))
  case reluTwiceLog = "relu_2xlog"

  /// All of them rise with x, so they commute with a maximum.
  func apply<O: Operations>(_ x: O.Value, _ o: O) -> O.Value {
    switch self {
    case .none: x
    case .relu: o.map(x, .relu)
    case .reluLog: o.map(x, .log1pRelu)
    case .reluTwiceLog: o.map(o.map(x, .log1pRelu), .log1pRelu)
    }
  }
}

/// One vector a text: pooling, then layers, sparsification and normalisation, in that order
/// (DPR, arXiv:2004.04906; SBERT, arXiv:1908.10084; Lightning IR `models/bi_encoders/dpr.py`).
package struct DenseHead: BiEncoderHead {
  /// The mean of the states of several layers; nil where those of the last count alone.
  package let layerMean: LayerMean?
  /// Layers over every token, in front of the pooling.
  package let tokenLayers: [HeadLayer]
  /// Several poolings are laid side by side.
  package let poolings: [Pooling]
  package let layers: [HeadLayer]
  package let sparsification: Sparsification
  package let normalizes: Bool
  /// Whether the tokens of a prompt are pooled with the others.
  package let poolsPrompt: Bool
  /// Numbers at the front of an embedding that are kept; nil for all.
  private let kept: Int?
  /// Width of the embeddings.
  package let dimension: Int

  package init(
    layerMean: LayerMean? = nil, tokenLayers: [HeadLayer] = [], poolings: [Pooling],
    layers: [HeadLayer], sparsification: Sparsification = .none, normalizes: Bool,
    poolsPrompt: Bool = true,
    keeping kept: Int? = nil, width: Int
  ) {
    self.layerMean = layerMean
    self.tokenLayers = tokenLayers
    self.poolings = poolings
    self.layers = layers
    self.sparsification = sparsification
    self.poolsPrompt = poolsPrompt
    let tokenWidth = tokenLayers.outputs ?? width
    let whole = layers.outputs ?? tokenWidth * poolings.count
    self.kept = kept.flatMap { $0 < whole ? $0 : nil }
    dimension = self.kept ?? whole
    // A part of a vector of length 1 has another length, and the library leaves it so.
    self.normalizes = normalizes && self.kept == nil
    self.normalizesWhole = normalizes
  }

  private let normalizesWhole: Bool

  package var form: VectorForm { .dense(dimension: dimension) }

  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    var x = layers.apply(pooled(texts, o), o)
    x = sparsification.apply(x, o)
    if normalizesWhole { x = o.normalize(x) }
    return [kept.map { o.columns(x, first: $0) } ?? x]
  }

  private func pooled<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> O.Value {
    let skipped = poolsPrompt ? 0 : texts.promptTokens
    if skipped == 0, poolings.count == 1, tokenLayers.isEmpty, layerMean == nil {
      return texts.pooledStates(poolings[0])
    }
    let states = tokenLayers.apply(texts.states(layerMean), o)
    let (hidden, batch) =
      skipped == 0 ? (states, texts.batch) : cut(states, texts.batch, skipped, o)
    let pooled = poolings.map { o.pool(hidden, $0, batch) }
    return pooled.count == 1 ? pooled[0] : o.concatenate(pooled)
  }

  /// Hidden states and tokens without the first `skipped` of every text; a text of nothing else
  /// keeps its last token.
  private func cut<O: Operations>(
    _ hidden: O.Value, _ batch: PackedBatch, _ skipped: Int, _ o: O
  ) -> (O.Value, PackedBatch) {
    var rest = PackedBatch()
    var rows: [O.Value] = []
    for sequence in 0..<batch.sequences {
      let range = batch.range(sequence)
      let kept = min(range.lowerBound + skipped, range.upperBound - 1)..<range.upperBound
      rows.append(o.rows(hidden, kept))
      rest.append(ids: batch.ids[kept], typeIDs: repeatElement(0, count: kept.count))
    }
    return (o.stack(rows), rest)
  }

  package var facts: [JSON.Member] {
    [
      JSON.Member("pooling", .array(poolings.map { .string($0.rawValue) })),
      JSON.Member("pools_prompt", .bool(poolsPrompt)),
      JSON.Member(
        "projections", .array((tokenLayers + layers).compactMap(\.outputs).map { .integer($0) })),
      JSON.Member("sparsification", .string(sparsification.rawValue)),
      JSON.Member("normalize", .bool(normalizes)),
    ] + (layerMean.map { [JSON.Member("layer_mean", $0.fact)] } ?? [])
  }
}

// MARK: Settings

extension DenseHead {
  package struct Settings: HeadSettings {
    package static let modelTypes = ["lir-dpr"]
    package static let fields: Set<String> = [
      "embedding_dim", "normalization_strategy", "normalize", "pooling_strategy", "projection",
      "sparsification", "sparsification_strategy",
    ]

    /// The mean of the states of several layers; nil where those of the last count alone.
    package var layerMean: LayerMeanSettings?
    /// Layers over every token, in front of the pooling.
    package var tokenLayers: [HeadLayerSettings] = []
    package var poolings: [Pooling]
    /// Layers behind the pooling.
    package var layers: [HeadLayerSettings]
    package var sparsification = Sparsification.none
    package var normalizes: Bool
    /// Whether the tokens of a prompt are pooled with the others.
    package var poolsPrompt = true
    /// Numbers at the front of an embedding that are kept; nil for all.
    package var kept: Int?

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      (tokenLayers + layers).projections.prefix(1).map { ($0.place.path, "projection") }
    }

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      let tokenLayers = try loader.layers(self.tokenLayers, inputs: loader.width)
      let width = tokenLayers.outputs ?? loader.width
      let layers = try loader.layers(self.layers, inputs: width * poolings.count)
      return .biEncoder(
        DenseHead(
          layerMean: try layerMean.map { mean throws(Failure) in try mean.load(loader) },
          tokenLayers: tokenLayers, poolings: poolings, layers: layers,
          sparsification: sparsification, normalizes: normalizes, poolsPrompt: poolsPrompt,
          keeping: kept, width: loader.width))
    }
  }
}

// MARK: Lightning IR

extension DenseHead.Settings {
  package static func describe(
    _ folder: ModelFolder, _ modelType: String
  ) throws(Failure) -> ModelDescription {
    let pooling = try folder.choice(
      "pooling_strategy",
      default: isOlder(folder) ? LightningIRFolder.PoolingStrategy.mean : .first)
    let layers = try LightningIRFolder.projection(folder, "projection", isOptional: true).map {
      [HeadLayerSettings.linear($0)]
    }
    var description = try LightningIRFolder.biEncoder(
      folder,
      Self(
        poolings: [pooling.pooling], layers: layers ?? [],
        sparsification: try folder.choice(
          "sparsification_strategy", default: .none, nullMeans: Sparsification.none),
        normalizes: try normalizes(folder)))
    if isOlder(folder) {
      description.evidence.append(
        "config.json: normalize, as only Lightning IR 0.0.6 writes it")
    }
    return description
  }

  /// Whether release 0.0.6 wrote the folder: no later one writes this key.
  private static func isOlder(_ folder: ModelFolder) -> Bool { folder.config["normalize"] != nil }

  /// Release 0.0.6 went by `normalize` and paid no attention to `normalization_strategy`, which it
  /// wrote as well.
  private static func normalizes(_ folder: ModelFolder) throws(Failure) -> Bool {
    guard isOlder(folder), !folder.overriddenKeys.contains("normalization_strategy") else {
      return try LightningIRFolder.normalizes(folder)
    }
    return try folder.bool("normalize", default: false)
  }
}
