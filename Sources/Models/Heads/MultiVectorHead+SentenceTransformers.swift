import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// The MultiVectorEncoder of sentence-transformers 6: modules over tokens, a mask of those that count,
/// and perhaps clusters of them (`multi_vector_encoder/modules`).
extension MultiVectorHead.Settings {
  static func describeEncoder(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription {
    let folder = source.folder
    let kinds = source.modules.all.map(\.kind)
    guard source.beginsWithTransformer else {
      let task = source.transformer.map { " of task \($0.task.rawValue)" } ?? ""
      throw .config(
        "\(folder.path)/modules.json",
        "expected a Transformer of task feature-extraction first, found "
          + (kinds.first ?? "nothing") + task)
    }
    var head = Self(layers: [], interaction: LateInteraction())
    var hasMask = false
    for module in source.heads { try head.add(module, source, &hasMask) }
    if source.transformer?.expansion != nil, !hasMask {
      throw .config(folder.path, "query_expansion without a MultiVectorMask is not supported")
    }
    head.interaction?.queryAggregation = try aggregation(source)
    head.retrieval = try retrieval(folder)
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: head, similarity: .dot,
      roles: [:], evidence: ["modules.json: \(kinds.joined(separator: ", "))"])
    try source.addRoles(to: &description)
    return description
  }

  /// How the maxima of a query's tokens become a score.
  private static func aggregation(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> Aggregation {
    guard let settings = source.settings else { return .sum }
    switch try settings.string("similarity_fn_name") {
    case nil, "maxsim", "MaxSim": return .sum
    case "meanmaxsim": return .mean
    case "xtr":
      throw .config(
        settings.place,
        "similarity_fn_name xtr is no similarity of a model: XTR's scores depend on the batch",
        hint: "train with k_train of model_config; ranks are maxsim's")
    case .some(let name):
      // The library passes over what is left of a model with one vector a text.
      settings.note("similarity_fn_name", "\(name) compares single vectors: maxsim counts")
      return .sum
    }
  }

  private mutating func add(
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder,
    _ hasMask: inout Bool
  ) throws(Failure) {
    switch module.kind {
    case "Dense":
      let (layer, input) = try source.projection(module, reading: .tokens)
      try add(.linear(layer), reading: input, module, source)
    case "Normalize":
      let input = try ModuleInput(source.configuration(of: module), default: .text)
      if tokenPooling != nil, input == .tokens, tokenPooling?.roles == [.query, .doc] {
        tokenPooling?.normalizes = true
        return
      }
      try add(.normalize, reading: input, module, source)
    case "MultiVectorMask":
      guard !hasMask, tokenPooling == nil else {
        throw source.unsupported(module, " behind another one or a token pooling")
      }
      hasMask = true
      try readMask(source.configuration(of: module))
    case "HierarchicalTokenPooling":
      guard tokenPooling == nil else { throw source.unsupported(module, " behind another one") }
      tokenPooling = try Self.tokenPooling(source.configuration(of: module))
    case "Dropout": try source.configuration(of: module)?.ignore("dropout")
    default: throw source.unsupported(module, " in a MultiVectorEncoder")
    }
  }

  private mutating func add(
    _ layer: HeadLayerSettings, reading input: ModuleInput,
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder
  ) throws(Failure) {
    guard input == .tokens else {
      throw source.unsupported(module, " of sentence_embedding in a MultiVectorEncoder")
    }
    guard tokenPooling == nil else { throw source.unsupported(module, " behind a token pooling") }
    layers.append(layer)
  }

  private mutating func readMask(_ config: SettingsFile?) throws(Failure) {
    guard let config else { return }
    let words = try config.strings("skiplist_words") ?? []
    let roles = try Self.roles("skiplist_tasks", config)
    for role in roles where !words.isEmpty { interaction?.masked[role] = .knownWords(words) }
    guard let kept = config.value("keep_only_token_ids") else { return }
    guard let array = kept.array,
      array.allSatisfy({ $0.integer.flatMap(Int32.init(exactly:)) != nil })
    else { throw config.invalid("keep_only_token_ids", expected: "a list of token ids") }
    let ids = array.compactMap { $0.integer.flatMap(Int32.init(exactly:)) }
    if !ids.isEmpty { interaction?.kept[.doc] = ids }
  }

  /// Roles of the tasks that a list names: documents, unless it says others.
  private static func roles(_ key: String, _ config: SettingsFile) throws(Failure) -> Set<Role> {
    guard let tasks = try config.strings(key) else { return [.doc] }
    var roles: Set<Role> = []
    for task in tasks {
      switch task {
      case "query": roles.insert(.query)
      case "document": roles.insert(.doc)
      default: config.note("\(key) \(task)", "texts here are queries and documents")
      }
    }
    return roles
  }

  private static func tokenPooling(_ config: SettingsFile?) throws(Failure) -> TokenPooling? {
    guard let config else { return nil }
    let factor =
      try NumberField("pool_factor", config.value("pool_factor"), at: config.place)
      .optionalDouble(in: FieldRanges.poolFactor) ?? 1
    let pooling = TokenPooling(
      factor: factor,
      protected: try config.integer("num_protected_tokens", in: FieldRanges.token) ?? 1,
      // Releases that did not write it did not do it.
      normalizes: try config.bool("normalize_embeddings"), roles: try roles("tasks", config))
    return factor == 1 && !pooling.normalizes ? nil : pooling
  }
}
