import Autograd
import Failures
import Kernels

/// What tells the families of `GatedTransformer` apart: switches that their classes in transformers
/// have built in, and the defaults of their fields.
package struct GatedTraits: Sendable {
  /// Whether layers have biases.
  enum Bias: Sendable {
    case never, always
    /// As `attention_bias` or `mlp_bias` says; false where it does not.
    case asSaid
  }

  /// Rule by which layers attend to their neighbourhood.
  enum Windows: Sendable {
    /// No layer does.
    case none
    /// Layers from `max_window_layers` on, where `use_sliding_window` is true.
    case later
    /// All, where `sliding_window` is a number.
    case all
    /// All but every n-th, n being `sliding_window_pattern`.
    case pattern
    /// Two of three, or as `attention_windows` says.
    case twoOfThree
  }

  /// Kinds of attention that a family knows.
  enum Direction: Sendable {
    /// Tokens see what is behind them never, or always where `is_causal` is false.
    case causal
    /// As `causal`, but `use_bidirectional_attention` makes it both, and halves the windows.
    case causalUnlessBidirectional
    case both
  }

  /// Width of a head where nothing says it; nil for the hidden size over the heads.
  var headWidth: Int?
  /// Heads of keys and values where nothing says it; nil for as many as of queries.
  var keyHeads: Int?
  var activationField = "hidden_act"
  var activation = "silu"
  var epsilon = 1e-6
  var queryKeyValueBias = Bias.asSaid
  var attentionOutputBias = Bias.asSaid
  var innerBias = Bias.never
  /// Whether heads of queries and keys are normalised.
  var normalizesHeads = false
  /// Whether factors of norms are 1 more than their weights.
  var addsOne = false
  /// Whether attention and network have norms behind them, too.
  var hasNormsBehind = false
  /// Whether embeddings are multiplied by the root of their width.
  var scalesEmbeddings = false
  /// Number whose root divides scores where `query_pre_attn_scalar` is absent; nil for the width of a
  /// head.
  var scoreDivisor: Double?
  var direction = Direction.causal
  var windows = Windows.none
  /// Tokens that local attention looks at, where nothing says it.
  var window = 4096
  /// Whether outputs of a language model are the word embeddings where nothing says it.
  var tiesByDefault = false
  /// Bases of the angles, of global and of local attention, where nothing says them.
  var angleBase = 10_000.0
  /// Nil where both have the same angles.
  var localAngleBase: Double?
}

/// A family whose text is `GatedTransformer`.
package protocol GatedFamily: BackboneFamily where Configuration == GatedConfiguration<Self> {
  static var traits: GatedTraits { get }
}

extension GatedFamily {
  package static var wordEmbeddings: [String] { ["embed_tokens.weight"] }
  package static var languageModel: LanguageModelHead? {
    .ofDecoder(tiesByDefault: traits.tiesByDefault)
  }
  package static var classifier: ClassifierHead? { .ofDecoder }

  package static func load(
    _ configuration: GatedConfiguration<Self>, _ weights: WeightScope, scoresPairs: Bool
  ) throws(Failure) -> any Backbone {
    try GatedTransformer(GatedShape(configuration.fields), weights)
  }
}
