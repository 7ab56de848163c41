import Autograd
import Failures
import JSON
import Models
import Tensors
import Vectors

extension ModelExport {
  /// A SentenceTransformer, or the backbone alone for transformers.
  mutating func add(_ head: DenseHead.Settings) throws(Failure) {
    guard format != .pylate else { throw refusal("the model gives one vector a text") }
    try checkRoles()
    guard head.sparsification == .none else { throw refusal("the vectors are made sparse") }
    let layers = head.layers + (head.normalizes ? [.normalize] : [])
    let own = Set((head.tokenLayers + layers).paths)
    try addBackbone(prefix: "") { name in own.contains { name.hasPrefix($0 + ".") } }
    addConfiguration(
      transformers.bareClass,
      head.layerMean == nil ? [] : [JSON.Member("output_hidden_states", true)])
    if format == .transformers {
      guard (head.tokenLayers + layers).paths.isEmpty, head.layerMean == nil else {
        throw refusal(
          "the layers behind the backbone would be lost", hint: "--format sentence-transformers")
      }
      try checkPrompts()
      try addTokenizer(lowersItself: false)
      let poolings = head.poolings.map(\.rawValue).joined(separator: ", ")
      return warn("the folder does not say how vectors are pooled: \(poolings)")
    }
    for role in [Role.query, .doc] where isFilled(role) {
      throw refusal("texts of role \(role.rawValue) are filled up")
    }
    try addTokenizer(naming: markers(.query) + markers(.doc), lowersItself: true)
    var modules = [Module.transformer]
    if let mean = head.layerMean { modules.append(add(mean, number: modules.count)) }
    var width = trained.model.backbone.width
    for layer in head.tokenLayers {
      let (module, outputs) = try add(
        layer, number: modules.count, reading: "token_embeddings", inputs: width)
      modules.append(module)
      width = outputs
    }
    folder.add("\(modules.count)_Pooling/config.json", try pooling(head, width))
    modules.append(Module(type: "sentence_transformers.models.Pooling", name: "Pooling"))
    width *= head.poolings.count
    for layer in layers {
      let (module, outputs) = try add(
        layer, number: modules.count, reading: "sentence_embedding", inputs: width)
      modules.append(module)
      width = outputs
    }
    var settings = [
      JSON.Member("prompts", try prompts()),
      JSON.Member("similarity_fn_name", .string(Self.name(description.similarity))),
    ]
    if let kept = head.kept { settings.append(JSON.Member("truncate_dim", .integer(kept))) }
    try addModules(
      modules, transformer: lengths(), settings: Self.settings("SentenceTransformer", settings))
  }

  private mutating func add(_ mean: LayerMeanSettings, number: Int) -> Module {
    let folder = "\(number)_WeightedLayerPooling/"
    self.folder.add(
      "\(folder)config.json",
      [
        "embedding_dimension": .integer(trained.model.backbone.width),
        "layer_start": .integer(mean.first), "num_hidden_layers": .integer(mean.layers),
      ])
    if let weights = trained.store["\(mean.folder)/\(LayerMeanSettings.weights)"] {
      self.folder.add(weights, as: LayerMeanSettings.weights, in: folder)
    }
    return Module(
      type: "sentence_transformers.models.WeightedLayerPooling", name: "WeightedLayerPooling")
  }

  private func pooling(_ head: DenseHead.Settings, _ width: Int) throws(Failure) -> JSON {
    var names: [JSON] = []
    for pooling in head.poolings {
      guard let name = Self.name(pooling) else {
        throw refusal("sentence-transformers has no pooling \(pooling.rawValue)")
      }
      names.append(.string(name))
    }
    return [
      "embedding_dimension": .integer(width),
      "pooling_mode": names.count == 1 ? names[0] : .array(names),
      "include_prompt": .bool(head.poolsPrompt),
    ]
  }

  static func name(_ pooling: Pooling) -> String? {
    switch pooling {
    case .first: "cls"
    case .last: "lasttoken"
    case .mean: "mean"
    case .max: "max"
    case .meanSqrtLength: "mean_sqrt_len_tokens"
    case .weightedMean: "weightedmean"
    case .sum: nil
    }
  }

  static func name(_ similarity: Similarity) -> String {
    switch similarity {
    case .dot: "dot"
    case .cosine: "cosine"
    case .l2: "euclidean"
    }
  }
}

extension [HeadLayerSettings] {
  /// Names of the layers' weights in training, without `.weight` and `.bias`.
  var paths: [String] {
    flatMap { layer -> [String] in
      switch layer {
      case .linear(let projection): [projection.place.path]
      case .norm(let folder): ["\(folder)/norm"]
      case .normalize: []
      }
    }
  }
}
