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
  package enum Layer: Sendable {
    case linear(Linear, Activation)
    case norm(LayerNorm)

    /// Width of what comes out; nil where it is that of what goes in.
    package var outputs: Int? {
      switch self {
      case .linear(let linear, _): linear.outputs
      case .norm: nil
      }
    }
  }

  /// Several poolings are laid side by side.
  package let poolings: [Pooling]
  package let layers: [Layer]
  package let sparsification: Sparsification
  package let normalizes: Bool
  /// Whether the tokens of a prompt are pooled with the others.
  package let poolsPrompt: Bool
  /// Width of the embeddings.
  package let dimension: Int

  package init(
    poolings: [Pooling], layers: [Layer], sparsification: Sparsification = .none,
    normalizes: Bool, poolsPrompt: Bool = true, width: Int
  ) {
    self.poolings = poolings
    self.layers = layers
    self.sparsification = sparsification
    self.normalizes = normalizes
    self.poolsPrompt = poolsPrompt
    dimension = layers.compactMap(\.outputs).last ?? width * poolings.count
  }

  package var form: VectorForm { .dense(dimension: dimension) }

  package func vectors<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> [O.Value] {
    var x = pooled(texts, o)
    for layer in layers {
      switch layer {
      case .linear(let linear, let activation): x = o.linear(x, linear, activation)
      case .norm(let norm): x = o.layerNorm(x, norm)
      }
    }
    x = sparsification.apply(x, o)
    return [normalizes ? o.normalize(x) : x]
  }

  private func pooled<O: Operations>(_ texts: HeadInput<O>, _ o: O) -> O.Value {
    let skipped = poolsPrompt ? 0 : texts.promptTokens
    if skipped == 0, poolings.count == 1 { return texts.pooledStates(poolings[0]) }
    let states = texts.states()
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
      JSON.Member("projections", .array(layers.compactMap(\.outputs).map { .integer($0) })),
      JSON.Member("sparsification", .string(sparsification.rawValue)),
      JSON.Member("normalize", .bool(normalizes)),
    ]
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

    package var poolings: [Pooling]
    /// Layers behind the pooling.
    package var layers: [Layer]
    package var sparsification = Sparsification.none
    package var normalizes: Bool
    /// Whether the tokens of a prompt are pooled with the others.
    package var poolsPrompt = true

    /// A layer behind the pooling.
    package enum Layer: Sendable {
      case linear(Projection)
      /// Layer normalisation whose weights are `norm` in a folder below the model's.
      case norm(folder: String)
    }

    package func layerNames(
      _ family: (any BackboneFamily.Type)?
    ) -> [(stored: String, lightningIR: String)] {
      let projections = layers.compactMap { layer in
        if case .linear(let projection) = layer { projection } else { nil }
      }
      return projections.prefix(1).map { ($0.place.path, "projection") }
    }

    /// Epsilon of torch.nn.LayerNorm, which sentence-transformers' module leaves as it is.
    private static let normEpsilon = 1e-5

    package func load(_ loader: HeadLoader) throws(Failure) -> Head {
      var layers: [DenseHead.Layer] = []
      var inputs = loader.width * poolings.count
      for layer in self.layers {
        switch layer {
        case .linear(let projection):
          let linear = try loader.linear(projection, inputs: inputs)
          layers.append(.linear(linear, try loader.activation(projection.activation)))
          inputs = linear.outputs
        case .norm(let folder):
          layers.append(
            .norm(
              try WeightScope(loader.sources.checkpoint(folder)).layerNorm(
                "norm", width: inputs, epsilon: Self.normEpsilon)))
        }
      }
      return .biEncoder(
        DenseHead(
          poolings: poolings, layers: layers, sparsification: sparsification,
          normalizes: normalizes, poolsPrompt: poolsPrompt, width: loader.width))
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
      [Layer.linear($0)]
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
