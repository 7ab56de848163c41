import Autograd
import Failures
import JSON
import Streams
import Tensors
import Vectors

/// Folders of sentence-transformers: `modules.json` and a folder a module, in the classic form and
/// in that of version 5.
enum SentenceTransformersFolder {
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let modules = try SentenceTransformersModules(folder.path)
    let settings = try folder.rootJSON("config_sentence_transformers.json")
    if let (query, doc) = modules.routes {
      return try sparse(folder, query: query, doc: doc, settings)
    }
    switch modules.all.first?.kind {
    case "MLMTransformer":
      return try sparse(folder, query: modules.all, doc: modules.all, settings)
    case "Transformer": break
    case let kind:
      throw .config(
        "\(folder.path)/modules.json", "expected a Transformer first, found \(kind ?? "nothing")")
    }
    if settings?["model_type"]?.string == "CrossEncoder"
      || (modules.all.count == 1
        && folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") })
    {
      let labels = try PlainFolder.labelCount(folder)
      guard labels == 1 else {
        throw .config(folder.path, "a cross-encoder with \(labels) labels gives no ranking score")
      }
      return try PlainFolder.classifier(
        folder, evidence: "modules.json: a CrossEncoder of sentence-transformers")
    }
    let heads = Array(modules.all.dropFirst())
    if let settings, PyLateFolder.recognizes(heads, settings) {
      return try PyLateFolder.describe(folder, heads, settings)
    }
    return try dense(folder, heads, settings)
  }

  private static func dense(
    _ folder: ModelFolder, _ modules: [SentenceTransformersModules.Module], _ settings: JSON?
  ) throws(Failure) -> ModelDescription {
    var head = ModelDescription.DenseSettings(poolings: [], layers: [], normalizes: false)
    for module in modules {
      let place = "\(folder.path)/\(module.path)/config.json"
      if head.normalizes {
        throw .config(folder.path, "module \(module.kind) behind Normalize is not supported")
      }
      switch module.kind {
      case "Pooling":
        guard head.poolings.isEmpty,
          let config = try folder.rootJSON("\(module.path)/config.json")
        else { throw .config(place, "expected one Pooling module with its configuration") }
        head.poolings = try poolings(config, place: place)
        head.poolsPrompt = config["include_prompt"]?.bool ?? true
        if !head.poolsPrompt, head.poolings.contains(.weightedMean) {
          throw .config(place, "include_prompt false with a weighted mean is not supported")
        }
      case "Dense":
        guard !head.poolings.isEmpty,
          let config = try folder.rootJSON("\(module.path)/config.json")
        else { throw .config(place, "expected a Dense module behind the Pooling") }
        head.layers.append(.linear(try projection(config, module.path, place: place)))
      case "LayerNorm":
        guard !head.poolings.isEmpty else {
          throw .config(place, "expected a LayerNorm module behind the Pooling")
        }
        head.layers.append(.norm(folder: module.path))
      case "Normalize": head.normalizes = true
      default: throw .config(folder.path, "module \(module.kind) is not supported")
      }
    }
    guard !head.poolings.isEmpty else {
      throw .config(folder.path, "the modules hold no Pooling")
    }
    try refuseLowerCase(folder)
    let names = modules.map(\.kind).joined(separator: ", ")
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", architecture: .dense(head),
      similarity: try similarity(settings, default: .cosine, place: folder.path), roles: [:],
      evidence: ["modules.json: Transformer, \(names)"])
    try addRoles(to: &description, settings)
    return description
  }

  /// Lengths and prompts of the two roles.
  private static func addRoles(
    to description: inout ModelDescription, _ settings: JSON?
  ) throws(Failure) {
    let length = try length(description.folder)
    let prompts = try prompts(settings, place: description.folder.path)
    description.prompts = prompts
    let fallback = settings?["default_prompt_name"]?.string.flatMap { prompts[$0] } ?? ""
    description.roles = [
      .query: RoleSettings(maximumLength: length, prompt: prompts["query"] ?? fallback),
      .doc: RoleSettings(
        maximumLength: length,
        prompt: prompts["document"] ?? prompts["passage"] ?? prompts["corpus"] ?? fallback),
    ]
  }

  // MARK: Sparse encoders

  private static func sparse(
    _ folder: ModelFolder, query: [SentenceTransformersModules.Module],
    doc: [SentenceTransformersModules.Module], _ settings: JSON?
  ) throws(Failure) -> ModelDescription {
    guard doc.map(\.kind) == ["MLMTransformer", "SpladePooling"] else {
      throw .config(
        folder.path,
        "modules \(doc.map(\.kind).joined(separator: ", ")) for documents are not supported")
    }
    var head = try spladePooling(folder, doc[1])
    var evidence = "modules.json: MLMTransformer, SpladePooling"
    if query.map(\.kind) == ["SparseStaticEmbedding"] {
      try requireSameTokenizer(folder, query[0], doc[0])
      head.weighting[.query] = .staticTable
      head.tables[.query] = WeightPlace("weight", in: query[0].path)
      evidence =
        "router_config.json: queries by SparseStaticEmbedding, documents by "
        + "MLMTransformer, SpladePooling"
    } else if query != doc {
      throw .config(
        folder.path,
        "modules \(query.map(\.kind).joined(separator: ", ")) for queries are not supported")
    }
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", architecture: .splade(head),
      similarity: try similarity(settings, default: .dot, place: folder.path), roles: [:],
      evidence: [evidence])
    try addRoles(to: &description, settings)
    if head.weighting[.query] == .staticTable {
      description.roles[.query]?.addsSpecialTokens = false
    }
    return description
  }

  /// sentence-transformers `sparse_encoder/modules/splade_pooling.py`.
  private static func spladePooling(
    _ folder: ModelFolder, _ module: SentenceTransformersModules.Module
  ) throws(Failure) -> ModelDescription.SpladeSettings {
    let place = "\(folder.path)/\(module.path)/config.json"
    guard let config = try folder.rootJSON("\(module.path)/config.json") else {
      throw .config(place, "the SpladePooling has no configuration")
    }
    let pooling: Pooling
    switch config["pooling_strategy"]?.string {
    case nil, "max": pooling = .max
    case "sum": pooling = .sum
    case .some(let name): throw .config(place, "pooling_strategy \(name) is not supported")
    }
    let sparsification: Sparsification
    switch config["activation_function"]?.string {
    case nil, "relu": sparsification = .reluLog
    case "log1p_relu": sparsification = .reluTwiceLog
    case .some(let name): throw .config(place, "activation_function \(name) is not supported")
    }
    return .init(
      pooling: pooling, sparsification: sparsification,
      weighting: [.query: .contextualized, .doc: .contextualized],
      expands: [.query: true, .doc: true], namesOfHead: .transformers)
  }

  private static func requireSameTokenizer(
    _ folder: ModelFolder, _ query: SentenceTransformersModules.Module,
    _ doc: SentenceTransformersModules.Module
  ) throws(Failure) {
    let name = "tokenizer.json"
    let files = [query, doc].map {
      $0.path.isEmpty ? "\(folder.path)/\(name)" : "\(folder.path)/\($0.path)/\(name)"
    }
    guard files.allSatisfy({ WholeFile.exists($0) }) else { return }
    if try WholeFile.read(files[0]) != WholeFile.read(files[1]) {
      throw .config(folder.path, "queries and documents have different tokenizers")
    }
  }

  /// `pooling_mode` of version 5, or the classic flags; both may name several.
  private static func poolings(_ config: JSON, place: String) throws(Failure) -> [Pooling] {
    let names = [
      ("cls", Pooling.first), ("max", .max), ("mean", .mean),
      ("mean_sqrt_len_tokens", .meanSqrtLength),
      ("weightedmean", .weightedMean), ("lasttoken", .last),
    ]
    if let mode = config["pooling_mode"] {
      let wanted = mode.array?.compactMap(\.string) ?? mode.string.map { [$0] } ?? []
      var poolings: [Pooling] = []
      for name in wanted {
        guard let pooling = names.first(where: { $0.0 == name })?.1 else {
          throw .config(place, "pooling_mode \(name) is not supported")
        }
        poolings.append(pooling)
      }
      return poolings
    }
    let flags = [
      ("pooling_mode_cls_token", Pooling.first), ("pooling_mode_max_tokens", .max),
      ("pooling_mode_mean_tokens", .mean), ("pooling_mode_mean_sqrt_len_tokens", .meanSqrtLength),
      ("pooling_mode_weightedmean_tokens", .weightedMean), ("pooling_mode_lasttoken", .last),
    ]
    return flags.compactMap { config[$0.0]?.bool == true ? $0.1 : nil }
  }

  static func projection(
    _ config: JSON, _ path: String, place: String
  ) throws(Failure) -> Projection {
    guard let outputs = config["out_features"]?.integer else {
      throw .config(place, "out_features: expected an integer")
    }
    let activation = config["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
    return Projection(
      WeightPlace("linear", in: path), outputs: outputs,
      bias: config["bias"]?.bool ?? true ? .required : .none,
      activation: String(activation.split(separator: ".").last ?? ""))
  }

  /// `do_lower_case` of `sentence_bert_config.json` changes the text before the tokenizer sees it:
  /// no harm where the tokenizer does the same.
  private static func refuseLowerCase(_ folder: ModelFolder) throws(Failure) {
    guard try folder.json("sentence_bert_config.json")?["do_lower_case"]?.bool == true,
      try folder.json("tokenizer_config.json")?["do_lower_case"]?.bool == false
    else { return }
    throw .config(
      "\(folder.path)/sentence_bert_config.json",
      "do_lower_case with a tokenizer that keeps case is not supported")
  }

  /// What `similarity_fn_name` says, or the library's own default for the kind of model.
  private static func similarity(
    _ settings: JSON?, default fallback: Similarity, place: String
  ) throws(Failure) -> Similarity {
    switch settings?["similarity_fn_name"]?.string {
    case nil: fallback
    case "cosine": .cosine
    case "dot", "dot_product": .dot
    case "euclidean": .l2
    case .some(let name): throw .config(place, "similarity_fn_name \(name) is not supported")
    }
  }

  static func prompts(
    _ settings: JSON?, place: String
  ) throws(Failure) -> [String: String] {
    var prompts: [String: String] = [:]
    for member in settings?["prompts"]?.members ?? [] {
      guard let text = member.value.string else {
        throw .config(place, "prompts.\(member.key): expected a string")
      }
      prompts[member.key] = text
    }
    return prompts
  }

  /// `max_seq_length`, else the tokenizer's `model_max_length`; never above the positions.
  ///
  /// sentence-transformers `models/Transformer.py`.
  static func length(_ folder: ModelFolder) throws(Failure) -> Int? {
    if let length = try folder.json("sentence_bert_config.json")?["max_seq_length"]?.integer {
      return length
    }
    return try folder.tokenizerLength()
  }
}
