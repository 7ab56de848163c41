import Autograd
import Failures
import JSON
import Tensors

/// How one role's texts become tokens.
package struct RoleSettings: Sendable, Equatable {
  /// Most tokens of a text, special ones included; nil for as many as the backbone has positions.
  package var maximumLength: Int?
  /// Put in front of every text.
  package var prompt = ""
  package var addsSpecialTokens = true
  /// Token behind the first special token that tells queries from documents.
  package var marker: String?

  package init(
    maximumLength: Int? = nil, prompt: String = "", addsSpecialTokens: Bool = true,
    marker: String? = nil
  ) {
    self.maximumLength = maximumLength
    self.prompt = prompt
    self.addsSpecialTokens = addsSpecialTokens
    self.marker = marker
  }
}

/// Which kind of score two embeddings have.
package enum Similarity: String, Sendable, CaseIterable {
  case dot, cosine, l2
}

/// What a model folder holds, found out without reading its weights.
package struct ModelDescription: Sendable {
  package enum Architecture: Sendable {
    case dense(DenseSettings)
    case splade(SpladeSettings)
    case mono(MonoSettings)

    /// As the configuration calls it.
    package var name: String {
      switch self {
      case .dense: "lir-dpr"
      case .splade: "splade"
      case .mono: "mono"
      }
    }
  }

  package struct DenseSettings: Sendable {
    package var poolings: [Pooling]
    /// Layers behind the pooling.
    package var layers: [HeadLayer]
    package var sparsification = Sparsification.none
    package var normalizes: Bool
  }

  /// A layer behind the pooling of a dense head.
  package enum HeadLayer: Sendable {
    case linear(Projection)
    /// Layer normalisation whose weights are `norm` in a folder below the model's.
    case norm(folder: String)
  }

  /// A linear layer that a folder or a checkpoint holds.
  package struct Projection: Sendable {
    /// Folder below the model's, empty for the model's own checkpoint.
    package var folder: String
    /// Name of the weights in the checkpoint.
    package var name: String
    /// Nil for as many as the backbone is wide.
    package var outputs: Int?
    package var hasBias: Bool
    /// Name of the activation function, as torch calls it; nil for none.
    package var activation: String?
  }

  package struct SpladeSettings: Sendable {
    package var pooling: Pooling
    package var sparsification: Sparsification
    package var weighting: [Role: SpladeHead.Weighting]
    package var expands: [Role: Bool]
    /// Names of the head's weights: Lightning IR's or transformers'.
    package var namesOfHead: SpladeHead.Names
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
  }

  package var folder: ModelFolder
  package var backboneType: String
  package var architecture: Architecture
  package var similarity: Similarity
  /// Settings of queries and documents, or of pairs.
  package var roles: [Role: RoleSettings]
  package var prompts: [String: String] = [:]
  /// Why the folder was read this way.
  package var evidence: [String]

  /// Longest sequence that the backbone has positions for; nil where it has no limit.
  package var positions: Int? { folder.config["max_position_embeddings"]?.integer }

  package var isCrossEncoder: Bool { if case .mono = architecture { true } else { false } }
}

/// What is done to a cross-encoder's logit.
package enum ScoreActivation: String, Sendable, CaseIterable {
  case logit, sigmoid, softmax
}

extension SpladeHead {
  package enum Names: Sendable {
    /// `projection.dense`, `projection.norm`, `projection.decoder`.
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
