import Autograd
import Failures
import JSON
import Streams
import Tensors
import Vectors

extension LightningIRFolder {
  private enum NormalizationStrategy: String, CaseIterable { case none, l2 }

  package static func normalizes(_ folder: ModelFolder) throws(Failure) -> Bool {
    try folder.choice(
      "normalization_strategy", default: NormalizationStrategy.none,
      nullMeans: NormalizationStrategy.none) == .l2
  }

  /// The fields that all bi-encoders share.
  package static func biEncoder(
    _ folder: ModelFolder, _ head: some HeadSettings
  ) throws(Failure) -> ModelDescription {
    ModelDescription(
      folder: folder, backboneType: backbone(folder), head: head,
      similarity: try folder.choice("similarity_function", default: Similarity.dot),
      roles: try roles(folder), evidence: evidence(folder))
  }

  // MARK: Several vectors a text

  /// Fields that say how vectors of several tokens become one score.
  package static let interactionFields: Set<String> = [
    "doc_aggregation_function", "doc_mask_scoring_tokens", "query_aggregation_function",
    "query_mask_scoring_tokens",
  ]

  package static func interaction(_ folder: ModelFolder) throws(Failure) -> LateInteraction {
    LateInteraction(
      queryAggregation: try folder.choice("query_aggregation_function", default: .sum),
      docAggregation: try folder.choice("doc_aggregation_function", default: .max),
      masked: [.query: try masked(folder, .query), .doc: try masked(folder, .doc)]
        .compactMapValues { $0 })
  }

  static func masked(
    _ folder: ModelFolder, _ role: Role
  ) throws(Failure) -> LateInteraction.MaskedTokens? {
    let key = "\(role.rawValue)_mask_scoring_tokens"
    guard let value = folder.config[key], !value.isNull else { return nil }
    if value.string == "punctuation" { return .punctuation }
    guard let array = value.array, array.allSatisfy({ $0.string != nil }) else {
      throw .config(
        folder.configPlace,
        "\(key): expected \"punctuation\" or a list of tokens, found \(value.serialized())")
    }
    return .tokens(array.compactMap(\.string))
  }

  // MARK: Parts

  /// A linear layer; nil where the configuration says null and may.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - name: Lightning IR's name of the weights.
  ///   - key: The field that says whether there is a bias; nil for one that is called as the weights.
  ///   - width: The field that says how many outputs there are; where others wrote the folder and no
  ///     field says it, the weights do.
  ///   - outputs: How many there are where neither says it.
  ///   - isOptional: Whether the field may be null.
  /// - Returns: The layer.
  /// - Throws: 78 where a field is of another type.
  package static func projection(
    _ folder: ModelFolder, _ name: String, kind key: String? = nil,
    width: String? = "embedding_dim", default outputs: Int? = nil, isOptional: Bool = false
  ) throws(Failure) -> Projection? {
    let key = key ?? name
    guard let kind = try folder.string(key, default: "linear") else {
      if isOptional { return nil }
      throw .config(folder.configPlace, "\(key): expected linear or linear_no_bias, found null")
    }
    guard kind == "linear" || kind == "linear_no_bias" else {
      throw .config(
        folder.configPlace,
        "\(key): expected linear\(isOptional ? ", linear_no_bias or null" : " or linear_no_bias"), "
          + "found \(kind)")
    }
    let isNative = isNative(folder)
    let (place, rows) = try HeadNames.place(name, in: folder, isNative: isNative)
    var found = isNative ? outputs : rows ?? outputs
    if let width {
      found = try folder.optionalInteger(width, in: FieldRanges.outputs, default: found)
    }
    return Projection(
      place, outputs: found,
      bias: kind == "linear_no_bias" ? .none : isNative ? .required : .optional)
  }

  /// A linear layer that the configuration must have; `projection` says whether there is a bias.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - name: Lightning IR's name of the weights.
  ///   - width: The field that says how many outputs there are; nil for none.
  ///   - outputs: How many there are where no field says it.
  /// - Returns: The layer.
  /// - Throws: 78 where a field is null or of another type.
  package static func requiredProjection(
    _ folder: ModelFolder, _ name: String, width: String?, default outputs: Int
  ) throws(Failure) -> Projection {
    guard
      let layer = try projection(
        folder, name, kind: "projection", width: width, default: outputs)
    else { preconditionFailure("a required projection") }
    return layer
  }

  /// The backbone: named, or for a plain checkpoint what its own `config.json` was before
  /// `--model-config` changed `model_type`.
  static func backbone(_ folder: ModelFolder) -> String {
    if let type = folder.config["backbone_model_type"]?.string { return type }
    return folder.originalModelType ?? "none"
  }

  private static func roles(_ folder: ModelFolder) throws(Failure) -> [Role: RoleSettings] {
    let markers = try folder.bool("add_marker_tokens", default: false)
    return [
      .query: RoleSettings(
        maximumLength: try length(folder, "query_length", defaultQueryLength),
        inserted: markers ? [InsertedToken("[QUE]")] : []),
      .doc: RoleSettings(
        maximumLength: try length(folder, "doc_length", defaultDocumentLength),
        inserted: markers ? [InsertedToken("[DOC]")] : []),
    ]
  }

  /// A role's length; null is what the tokenizer says, as in transformers.
  private static func length(
    _ folder: ModelFolder, _ key: String, _ fallback: Int
  ) throws(Failure) -> Int? {
    let length = try folder.optionalInteger(key, in: FieldRanges.length, default: fallback)
    if let length { return length }
    return try folder.tokenizerLength()
  }

  static func evidence(_ folder: ModelFolder) -> [String] {
    ["\(folder.sourceOfModelType): model_type is \(folder.modelType ?? "")"]
  }
}

extension ModelFolder {
  /// Source of the value of `model_type`, for messages.
  var sourceOfModelType: String {
    overriddenKeys.contains("model_type") ? "--model-config" : "config.json"
  }
}
