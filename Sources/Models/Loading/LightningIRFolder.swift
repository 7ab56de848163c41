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
  enum PoolingStrategy: String, CaseIterable {
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

  /// The model types that Lightning IR writes.
  private static let types = [
    "lir-dpr", "splade", "col", "coil", "unicoil", "mvr", "mono", "set-encoder",
  ]

  /// Whether Lightning IR wrote the folder.
  static func isNative(_ folder: ModelFolder) -> Bool {
    folder.config["backbone_model_type"] != nil && types.contains(folder.modelType ?? "")
  }

  /// What a registered checkpoint is.
  static func describe(
    _ folder: ModelFolder, _ row: KnownCheckpoint, because evidence: String
  ) throws(Failure) -> ModelDescription {
    let fields = row.fields.merging(try artifact(folder)) { $1 }
    var description = try describe(
      folder.adding(fields.map { JSON.Member($0.key, $0.value) }.sorted { $0.key < $1.key }),
      row.modelType)
    description.evidence = [evidence]
    guard let markers = row.markerRows else { return description }
    let vocabulary = Int32(truncatingIfNeeded: try folder.integer("vocab_size"))
    description.aliases = RowAliases([vocabulary: markers.query, vocabulary + 1: markers.doc])
    for (role, id) in [(Role.query, vocabulary), (.doc, vocabulary + 1)] {
      for i in description.roles[role]?.inserted.indices ?? 0..<0 {
        description.roles[role]?.inserted[i].id = id
      }
    }
    return description
  }

  /// What ColBERT's own settings say beside the row: lengths and width.
  private static func artifact(_ folder: ModelFolder) throws(Failure) -> [String: JSON] {
    guard let settings = try folder.json("artifact.metadata") else { return [:] }
    var fields: [String: JSON] = [:]
    for (key, name) in [
      ("query_maxlen", "query_length"), ("doc_maxlen", "doc_length"), ("dim", "embedding_dim"),
      ("attend_to_mask_tokens", "attend_to_query_expanded_tokens"),
    ] {
      if let value = settings[key], !value.isNull { fields[name] = value }
    }
    if settings["mask_punctuation"]?.bool == false { fields["doc_mask_scoring_tokens"] = .null }
    return fields
  }

  static func describe(
    _ folder: ModelFolder, _ type: String
  ) throws(Failure) -> ModelDescription {
    switch type {
    case "lir-dpr": return try dense(folder)
    case "splade": return try splade(folder)
    case "mono", "set-encoder": return try mono(folder, isSet: type == "set-encoder")
    case "col": return try multiVector(folder)
    case "mvr": return try viewers(folder)
    case "coil": return try coil(folder)
    case "unicoil": return try uniCoil(folder)
    default:
      throw .config(
        folder.configPlace, "model_type \(type) is not known",
        hint: "known: \(types.joined(separator: ", ")), xtr")
    }
  }

  private static func dense(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let pooling = try folder.choice(
      "pooling_strategy", default: isOlder(folder) ? PoolingStrategy.mean : .first)
    let layers = try projection(folder, "projection", isOptional: true).map {
      [ModelDescription.HeadLayer.linear($0)]
    }
    let settings = ModelDescription.DenseSettings(
      poolings: [pooling.pooling], layers: layers ?? [],
      sparsification: try folder.choice(
        "sparsification_strategy", default: Sparsification.none, nullMeans: Sparsification.none),
      normalizes: try normalizesDense(folder))
    var description = try biEncoder(folder, .dense(settings))
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
  private static func normalizesDense(_ folder: ModelFolder) throws(Failure) -> Bool {
    guard isOlder(folder), !folder.overriddenKeys.contains("normalization_strategy") else {
      return try normalizes(folder)
    }
    return try folder.bool("normalize", default: false)
  }

  private static func splade(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    func weighting(_ role: String) throws(Failure) -> SpladeHead.Weighting {
      try folder.choice(
        "\(role)_weighting", default: .contextualized, nullMeans: SpladeHead.Weighting.none)
    }
    let pooling = try folder.choice("pooling_strategy", default: PoolingStrategy.max)
    let native = isNative(folder)
    let settings = ModelDescription.SpladeSettings(
      pooling: pooling.pooling,
      sparsification: try folder.choice(
        "sparsification_strategy", default: .reluLog, nullMeans: Sparsification.none),
      weighting: [.query: try weighting("query"), .doc: try weighting("doc")],
      expands: [
        .query: try folder.bool("query_expansion", default: true),
        .doc: try folder.bool("doc_expansion", default: true),
      ],
      tables: try HeadNames.places(
        [.query: "query_weights.weight", .doc: "doc_weights.weight"], in: folder,
        isNative: native),
      namesOfHead: native ? .lightningIR : .transformers,
      epsilon: folder.backbone(backbone(folder))?.hasLightningIRHead == true ? headEpsilon : nil)
    var description = try biEncoder(folder, .splade(settings))
    for role in [Role.query, .doc] where settings.weighting[role] != .contextualized {
      description.roles[role]?.addsSpecialTokens = false
    }
    return description
  }

  /// Lightning IR gives its head this epsilon whatever the backbone says (`lm_head.py`).
  private static let headEpsilon = 1e-12

  private static func mono(
    _ folder: ModelFolder, isSet: Bool
  ) throws(Failure) -> ModelDescription {
    let native = isNative(folder)
    let strategy = try folder.choice("pooling_strategy", default: PoolingStrategy.first)
    // The reference saves `bert_pool` as `first` and a private flag, and then fails to reload it.
    let flag = try folder.bool("_bert_pool", default: false)
    let classifier = folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") }
    let scoring = try folder.choice("scoring_strategy", default: MonoHead.Scoring.rank)
    let answersInWords = folder.backbone(backbone(folder))?.family.answersInWords ?? false
    let settings = ModelDescription.MonoSettings(
      pooling: classifier && !native && folder.config["pooling_strategy"] == nil
        ? try PlainFolder.classifierPooling(folder) : strategy.pooling,
      hasPooler: flag || strategy == .bertPool || (classifier && !native),
      hasBias: try folder.bool("linear_bias", default: classifier && !native),
      scoring: scoring, namesOfHead: native ? .lightningIR : .transformers, activation: .logit,
      cutsTextsFirst: true, pattern: answersInWords ? pattern(scoring) : nil,
      set: isSet ? try set(folder) : nil)
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

  /// `cross_encoder_tokenizer.py`, `SCORING_STRATEGY_POST_PROCESSOR_MAPPING`.
  private static func pattern(_ scoring: MonoHead.Scoring) -> [PairPatternPart] {
    let texts: [PairPatternPart] = [
      .token("\u{2581}"), .token("Query"), .token(":"), .query, .token("\u{2581}Document"),
      .token(":"), .document,
    ]
    let end: [PairPatternPart] = [.token("</s>")]
    switch scoring {
    case .rank: return texts + end
    case .mono:
      return texts + [.token("\u{2581}Relevan"), .token("t"), .token(":")] + end
    }
  }

  private static func set(_ folder: ModelFolder) throws(Failure) -> ModelDescription.SetSettings {
    let type = backbone(folder)
    guard folder.backbone(type)?.family.readsSets == true else {
      throw .config(
        folder.configPlace, "a set-encoder on backbone \(type) is not supported",
        hint: "supported: \(folder.backbones.names { $0.family.readsSets })")
    }
    let depth = try folder.integer("depth", default: 100)
    guard depth >= 1 else {
      throw .config(folder.configPlace, "depth: expected at least 1, found \(depth)")
    }
    return .init(
      depth: depth, sharedToken: try folder.bool("add_extra_token", default: false) ? 1 : 0,
      drawsMissing: try folder.bool("sample_missing_docs", default: true))
  }
}
