import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// What a model folder holds, found out without reading its weights.
package struct ModelDescription: Sendable {
  package enum Architecture: Sendable {
    case dense(DenseSettings)
    case splade(SpladeSettings)
    case uniCoil(UniCoilSettings)
    case multiVector(MultiVectorSettings)
    case viewers(ViewerSettings)
    case coil(CoilSettings)
    case mono(MonoSettings)

    /// As the configuration calls it.
    package var name: String {
      switch self {
      case .dense: "lir-dpr"
      case .splade: "splade"
      case .uniCoil: "unicoil"
      case .multiVector: "col"
      case .viewers: "mvr"
      case .coil: "coil"
      case .mono(let settings): settings.set == nil ? "mono" : "set-encoder"
      }
    }
  }

  package var folder: ModelFolder
  package var backboneType: String
  package var architecture: Architecture
  package var similarity: Similarity
  /// Settings of queries and documents, or of pairs.
  package var roles: [Role: RoleSettings]
  package var prompts: [String: String] = [:]
  /// Markers that the checkpoint's vocabulary lacks.
  package var aliases = RowAliases()
  /// Why the folder was read this way.
  package var evidence: [String]

  /// The family of the backbone; nil where this release has none of that name.
  package var family: (any BackboneFamily.Type)? { folder.backbone(backboneType)?.family }

  /// Tokens of the longest text that the backbone takes; nil where it has no limit.
  ///
  /// A backbone that cannot be run, because this release has none of its name or its configuration
  /// lacks a field, may be tokenised for all the same: then it is the number of positions, which most
  /// configurations give.
  package var longestText: Int? {
    let positions = folder.config["max_position_embeddings"]?.integer
    guard let family else { return positions }
    do throws(Failure) {
      let length = try family.longestText(folder)
      return length == .max ? nil : length
    } catch {
      return positions
    }
  }

  package var isCrossEncoder: Bool { if case .mono = architecture { true } else { false } }

  /// How vectors of several tokens become one score; nil for other models.
  package var lateInteraction: LateInteraction? {
    switch architecture {
    case .multiVector(let settings): settings.interaction
    case .viewers(let settings): settings.interaction
    case .coil(let settings): settings.interaction
    case .dense, .splade, .uniCoil, .mono: nil
    }
  }
}

// MARK: Where weights are

/// A tensor, or a layer's tensors, of a model folder.
package struct WeightPlace: Sendable, Equatable {
  /// Folder or file below the model's, empty for the model's own checkpoint.
  package var source: String
  /// Name of the layer or tensor.
  package var name: String

  package init(_ name: String, in source: String = "") {
    self.source = source
    self.name = name
  }
}

/// A linear layer that a folder or a checkpoint holds.
package struct Projection: Sendable {
  package var place: WeightPlace
  /// Nil for as many as the backbone is wide.
  package var outputs: Int?
  package var bias: Bias
  /// Name of the activation function, as torch calls it; nil for none.
  package var activation: String?

  /// Whether there is one.
  package enum Bias: Sendable {
    case none, required
    /// Zero, where the checkpoint has none.
    case optional
  }

  package init(
    _ place: WeightPlace, outputs: Int?, bias: Bias, activation: String? = nil
  ) {
    self.place = place
    self.outputs = outputs
    self.bias = bias
    self.activation = activation
  }
}

// MARK: Settings of heads

/// How the similarities of two texts' vectors become one score
/// (Lightning IR `bi_encoder/bi_encoder_model.py`).
package struct LateInteraction: Sendable {
  package var queryAggregation = Aggregation.sum
  package var docAggregation = Aggregation.max
  /// Tokens whose vectors do not count.
  package var masked: [Role: MaskedTokens] = [:]

  package enum MaskedTokens: Sendable, Equatable {
    /// ASCII punctuation.
    case punctuation
    case tokens([String])
    /// Tokens, of which an unknown one is the tokenizer's unknown token, as in PyLate.
    case words([String])
  }
}

extension ModelDescription {
  package struct DenseSettings: Sendable {
    package var poolings: [Pooling]
    /// Layers behind the pooling.
    package var layers: [HeadLayer]
    package var sparsification = Sparsification.none
    package var normalizes: Bool
    /// Whether the prompt's tokens are pooled with the others.
    package var poolsPrompt = true
  }

  /// A layer behind the pooling of a dense head.
  package enum HeadLayer: Sendable {
    case linear(Projection)
    /// Layer normalisation whose weights are `norm` in a folder below the model's.
    case norm(folder: String)
  }

  package struct SpladeSettings: Sendable {
    package var pooling: Pooling
    package var sparsification: Sparsification
    package var weighting: [Role: SpladeHead.Weighting]
    package var expands: [Role: Bool]
    /// Static weights.
    package var tables: [Role: WeightPlace] = [:]
    /// Names of the head's weights: Lightning IR's or transformers'.
    package var namesOfHead: SpladeHead.Names
    /// Epsilon of the head's normalisation; nil for the backbone's.
    package var epsilon: Double?
  }

  package struct UniCoilSettings: Sendable {
    package var projection: Projection
  }

  package struct MultiVectorSettings: Sendable {
    /// Layers over every token, in order.
    package var projections: [Projection]
    package var normalizes: Bool
    package var interaction: LateInteraction
    /// How vectors are looked for in training; nil where all count.
    package var retrieval: TokenRetrieval?
  }

  package struct ViewerSettings: Sendable {
    /// Nil for none.
    package var projection: Projection?
    package var queryPooling: Pooling
    package var viewers: Int
    package var normalizes: Bool
    package var interaction: LateInteraction
  }

  package struct CoilSettings: Sendable {
    package var cls: Projection
    package var tokens: Projection
    package var interaction: LateInteraction
  }

  package struct MonoSettings: Sendable {
    package var pooling: Pooling
    package var hasPooler: Bool
    package var hasBias: Bool
    package var scoring: MonoHead.Scoring
    package var namesOfHead: MonoHead.Names
    /// What the folder says is done to the logit where a user asks for the model's own score.
    package var activation: ScoreActivation
    /// Lightning IR cuts query and document by decoding and encoding again; others cut the pair.
    package var cutsTextsFirst: Bool
    /// What a pair becomes; nil for what the tokenizer makes of it.
    package var pattern: [PairPatternPart]?
    /// Settings of a Set-Encoder; nil for other models.
    package var set: SetSettings?
  }

  /// Documents of a query that are scored together.
  package struct SetSettings: Sendable, Equatable {
    /// Most documents of a set.
    package var depth: Int
    /// Position of the token that documents attend to in each other.
    package var sharedToken: Int
    /// Whether training draws states for the documents that a smaller set lacks.
    package var drawsMissing: Bool
  }
}

/// What is done to a cross-encoder's logit.
package enum ScoreActivation: String, Sendable, CaseIterable {
  case logit, sigmoid, softmax
}

extension SpladeHead {
  package enum Names: Sendable {
    /// `projection.dense`, `projection.norm`, `projection.decoder`, or what older versions wrote.
    case lightningIR
    /// `cls.predictions.transform.dense`, …
    case transformers
  }
}

extension MonoHead {
  package enum Names: Sendable {
    /// `linear`, `bert_pool.0`.
    case lightningIR
    /// `classifier`, `bert.pooler.dense`.
    case transformers
  }
}
