import Autograd
import Failures
import JSON
import Tensors
import Vectors

extension DenseHead.Settings {
  /// Pooling, then layers, then perhaps normalisation (sentence-transformers
  /// `sentence_transformer/modules`).
  package static func describe(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription? {
    let folder = source.folder
    let kinds = source.modules.all.map(\.kind)
    guard source.beginsWithTransformer || source.beginsWithTable else {
      let first = source.transformer.map { "Transformer of task \($0.task.rawValue)" }
      throw .config(
        "\(folder.path)/modules.json",
        "expected a Transformer first, found \(first ?? kinds.first ?? "nothing")")
    }
    if source.transformer?.expansion != nil {
      throw .config(folder.path, "query_expansion without a MultiVectorMask is not supported")
    }
    var head = Self(
      poolings: source.beginsWithTable ? [.mean] : [], layers: [], normalizes: false)
    for module in source.heads { try head.add(module, source) }
    guard !head.poolings.isEmpty else {
      throw .config(folder.path, "the modules hold no Pooling")
    }
    if head.layers.normalizesLast {
      head.layers.removeLast()
      head.normalizes = true
    }
    head.kept = try source.settings?.integer("truncate_dim")
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: head,
      similarity: try source.similarity(default: .cosine), roles: [:],
      evidence: ["modules.json: \(kinds.joined(separator: ", "))"])
    try source.addRoles(to: &description)
    return description
  }

  /// Adds a module to those in front of it.
  mutating func add(
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder
  ) throws(Failure) {
    switch module.kind {
    case "Pooling": try addPooling(source.configuration(of: module), module, source)
    case "Dense":
      let (layer, input) = try source.projection(module)
      try add(.linear(layer), reading: input, module, source)
    case "LayerNorm":
      try source.configuration(of: module)?.ignore("dimension")
      try add(.norm(folder: module.path), reading: .text, module, source)
    case "Normalize":
      let input = try ModuleInput(source.configuration(of: module), default: .text)
      try add(.normalize, reading: input, module, source)
    case "WeightedLayerPooling": try addLayerMean(module, source)
    case "Dropout": try source.configuration(of: module)?.ignore("dropout")
    default: throw source.unsupported(module)
    }
  }

  private mutating func add(
    _ layer: HeadLayerSettings, reading input: ModuleInput,
    _ module: SentenceTransformersModules.Module, _ source: SentenceTransformersFolder
  ) throws(Failure) {
    switch input {
    case .text where poolings.isEmpty:
      throw .config(
        "\(source.folder.path)/\(module.path)/config.json",
        "expected a \(module.kind) module behind the Pooling")
    case .tokens where !poolings.isEmpty:
      throw source.unsupported(module, " of tokens behind the Pooling")
    case .text: layers.append(layer)
    case .tokens: tokenLayers.append(layer)
    }
  }

  private mutating func addPooling(
    _ config: SettingsFile?, _ module: SentenceTransformersModules.Module,
    _ source: SentenceTransformersFolder
  ) throws(Failure) {
    guard poolings.isEmpty, let config else {
      throw .config(
        "\(source.folder.path)/\(module.path)/config.json",
        "expected one Pooling module with its configuration")
    }
    config.ignore("embedding_dimension", "word_embedding_dimension")
    poolings = try Self.poolings(config)
    poolsPrompt = try config.bool("include_prompt", default: true)
    if !poolsPrompt, poolings.contains(.weightedMean) {
      throw .config(config.place, "include_prompt false with a weighted mean is not supported")
    }
  }

  /// `pooling_mode` of version 5, or the classic flags; both may name several, and none is the mean.
  private static func poolings(_ config: SettingsFile) throws(Failure) -> [Pooling] {
    let rows = [
      ("cls", "pooling_mode_cls_token", Pooling.first), ("max", "pooling_mode_max_tokens", .max),
      ("mean", "pooling_mode_mean_tokens", .mean),
      ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", .meanSqrtLength),
      ("weightedmean", "pooling_mode_weightedmean_tokens", .weightedMean),
      ("lasttoken", "pooling_mode_lasttoken", .last),
    ]
    var flagged: [Pooling] = []
    for (_, flag, pooling) in rows where try config.bool(flag) { flagged.append(pooling) }
    guard let names = try config.strings("pooling_mode") else {
      return flagged.isEmpty ? [.mean] : flagged
    }
    for (_, flag, _) in rows where config.peek(flag)?.bool == true {
      config.note(flag, "pooling_mode counts")
    }
    var poolings: [Pooling] = []
    for name in names {
      guard let row = rows.first(where: { $0.0 == name }) else {
        throw .config(config.place, "pooling_mode \(name) is not supported")
      }
      poolings.append(row.2)
    }
    if poolings.isEmpty { throw config.invalid("pooling_mode", expected: "a way to pool") }
    return poolings
  }
}
