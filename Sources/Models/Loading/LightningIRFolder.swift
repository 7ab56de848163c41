import Autograd
import Failures
import JSON
import Streams
import Tensors

/// Folders with Lightning IR's configuration (`lightning_ir/models/*/*.py`), or plain ones for
/// which `--model-config` says the same.
///
/// Defaults are those of its configuration classes.
enum LightningIRFolder {
  static let defaultQueryLength = 32
  static let defaultDocumentLength = 512

  /// Poolings as Lightning IR names them.
  private enum PoolingStrategy: String, CaseIterable {
    case first, mean, max, sum
    case bertPool = "bert_pool"

    var pooling: Pooling {
      switch self {
      case .first, .bertPool: .first
      case .mean: .mean
      case .max: .max
      case .sum: .sum
      }
    }
  }

  private enum NormalizationStrategy: String, CaseIterable { case none, l2 }

  static func dense(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let pooling = try folder.choice("pooling_strategy", default: PoolingStrategy.first)
    try refuseOlderNormalization(folder)
    var layers: [ModelDescription.HeadLayer] = []
    if let kind = try folder.string("projection", default: "linear") {
      guard kind == "linear" || kind == "linear_no_bias" else {
        throw .config(
          folder.configPlace,
          "projection: expected linear, linear_no_bias or null, "
            + "found \(kind)")
      }
      let outputs = try folder.optionalInteger("embedding_dim", default: nil)
      layers = [
        .linear(
          .init(folder: "", name: "projection", outputs: outputs, hasBias: kind == "linear"))
      ]
    }
    let settings = ModelDescription.DenseSettings(
      poolings: [pooling.pooling], layers: layers,
      sparsification: try folder.choice(
        "sparsification_strategy", default: Sparsification.none, nullMeans: Sparsification.none),
      normalizes: try folder.choice(
        "normalization_strategy", default: NormalizationStrategy.none,
        nullMeans: NormalizationStrategy.none) == .l2)
    return ModelDescription(
      folder: folder, backboneType: backbone(folder), architecture: .dense(settings),
      similarity: try folder.choice("similarity_function", default: Similarity.dot),
      roles: try biEncoderRoles(folder), evidence: evidence(folder))
  }

  /// Release 0.0.6 wrote `normalize` and paid no attention to `normalization_strategy`, so that the
  /// same configuration means one thing there and another thing in later versions.
  private static func refuseOlderNormalization(_ folder: ModelFolder) throws(Failure) {
    guard folder.config["normalize"] != nil,
      !folder.overriddenKeys.contains("normalization_strategy")
    else { return }
    let normalizes = try folder.bool("normalize", default: false)
    let later = try folder.choice(
      "normalization_strategy", default: NormalizationStrategy.none,
      nullMeans: NormalizationStrategy.none)
    if normalizes == (later == .l2) { return }
    throw .config(
      folder.configPlace,
      "normalize is \(normalizes) and normalization_strategy is \(later.rawValue): older versions "
        + "of Lightning IR go by the first, newer ones by the second",
      hint: #"say --model-config '{"normalization_strategy":"l2"}' or "none""#)
  }

  static func splade(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    func weighting(_ role: String) throws(Failure) -> SpladeHead.Weighting {
      try folder.choice(
        "\(role)_weighting", default: .contextualized, nullMeans: SpladeHead.Weighting.none)
    }
    let pooling = try folder.choice("pooling_strategy", default: PoolingStrategy.max)
    let native = folder.config["backbone_model_type"] != nil
    let settings = ModelDescription.SpladeSettings(
      pooling: pooling.pooling,
      sparsification: try folder.choice(
        "sparsification_strategy", default: .reluLog, nullMeans: Sparsification.none),
      weighting: [.query: try weighting("query"), .doc: try weighting("doc")],
      expands: [
        .query: try folder.bool("query_expansion", default: true),
        .doc: try folder.bool("doc_expansion", default: true),
      ],
      namesOfHead: native ? .lightningIR : .transformers)
    var roles = try biEncoderRoles(folder)
    for role in [Role.query, .doc] where settings.weighting[role] != .contextualized {
      roles[role]?.addsSpecialTokens = false
    }
    return ModelDescription(
      folder: folder, backboneType: backbone(folder), architecture: .splade(settings),
      similarity: try folder.choice("similarity_function", default: Similarity.dot), roles: roles,
      evidence: evidence(folder))
  }

  static func mono(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let native = folder.config["backbone_model_type"] != nil
    let strategy = try folder.choice("pooling_strategy", default: PoolingStrategy.first)
    // The reference saves `bert_pool` as `first` and a private flag, and then fails to reload it.
    let flag = try folder.bool("_bert_pool", default: false)
    let classifier = folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") }
    let settings = ModelDescription.MonoSettings(
      pooling: strategy.pooling,
      hasPooler: flag || strategy == .bertPool || (classifier && !native),
      hasBias: try folder.bool("linear_bias", default: classifier && !native),
      scoring: try folder.choice("scoring_strategy", default: .rank),
      namesOfHead: native ? .lightningIR : .transformers, activation: .logit,
      cutsTextsFirst: true)
    let roles: [Role: RoleSettings] = [
      .query: RoleSettings(
        maximumLength: try folder.optionalInteger("query_length", default: defaultQueryLength)),
      .doc: RoleSettings(
        maximumLength: try folder.optionalInteger("doc_length", default: defaultDocumentLength)),
      .pair: RoleSettings(),
    ]
    return ModelDescription(
      folder: folder, backboneType: backbone(folder), architecture: .mono(settings),
      similarity: .dot, roles: roles, evidence: evidence(folder))
  }

  /// The backbone: named, or for a plain checkpoint what its own `config.json` was before
  /// `--model-config` changed `model_type`.
  private static func backbone(_ folder: ModelFolder) -> String {
    if let type = folder.config["backbone_model_type"]?.string { return type }
    return folder.originalModelType ?? "none"
  }

  private static func biEncoderRoles(
    _ folder: ModelFolder
  ) throws(Failure) -> [Role: RoleSettings] {
    let markers = try folder.bool("add_marker_tokens", default: false)
    return [
      .query: RoleSettings(
        maximumLength: try length(folder, "query_length", defaultQueryLength),
        marker: markers ? "[QUE]" : nil),
      .doc: RoleSettings(
        maximumLength: try length(folder, "doc_length", defaultDocumentLength),
        marker: markers ? "[DOC]" : nil),
    ]
  }

  /// A role's length; null is what the tokenizer says, as in transformers.
  private static func length(
    _ folder: ModelFolder, _ key: String, _ fallback: Int
  ) throws(Failure) -> Int? {
    if let length = try folder.optionalInteger(key, default: fallback) { return length }
    return try folder.tokenizerLength()
  }

  private static func evidence(_ folder: ModelFolder) -> [String] {
    let source = folder.overriddenKeys.contains("model_type") ? "--model-config" : "config.json"
    return ["\(source): model_type is \(folder.modelType ?? "")"]
  }
}
