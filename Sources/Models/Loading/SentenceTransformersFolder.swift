import Autograd
import Failures
import JSON
import Streams
import Tensors

/// Folders of sentence-transformers: `modules.json` and a folder a module, in the classic form and
/// in that of version 5.
enum SentenceTransformersFolder {
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let place = "\(folder.path)/modules.json"
    guard let modules = try folder.jsonValue("modules.json")?.array else {
      throw .data(place, "expected an array of modules")
    }
    var kinds: [(kind: String, path: String)] = []
    for module in modules {
      guard let type = module["type"]?.string, let path = module["path"]?.string else {
        throw .data(place, "expected a type and a path in every module")
      }
      kinds.append((String(type.split(separator: ".").last ?? ""), path))
    }
    guard kinds.first?.kind == "Transformer" else {
      throw .config(place, "expected a Transformer first, found \(kinds.first?.kind ?? "nothing")")
    }
    guard kinds[0].path.isEmpty else {
      throw .config(place, "a Transformer in the folder \(kinds[0].path) is not supported")
    }
    let settings = try folder.json("config_sentence_transformers.json")
    if settings?["model_type"]?.string == "CrossEncoder"
      || (kinds.count == 1
        && folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") })
    {
      let labels = try PlainFolder.labelCount(folder)
      guard labels == 1 else {
        throw .config(folder.path, "a cross-encoder with \(labels) labels gives no ranking score")
      }
      return try PlainFolder.classifier(
        folder, evidence: "modules.json: a CrossEncoder of sentence-transformers")
    }
    return try dense(folder, Array(kinds.dropFirst()), settings)
  }

  private static func dense(
    _ folder: ModelFolder, _ modules: [(kind: String, path: String)], _ settings: JSON?
  ) throws(Failure) -> ModelDescription {
    var head = ModelDescription.DenseSettings(poolings: [], layers: [], normalizes: false)
    for module in modules {
      let place = "\(folder.path)/\(module.path)/config.json"
      if head.normalizes {
        throw .config(folder.path, "module \(module.kind) behind Normalize is not supported")
      }
      switch module.kind {
      case "Pooling":
        guard head.poolings.isEmpty, let config = try folder.json("\(module.path)/config.json")
        else { throw .config(place, "expected one Pooling module with its configuration") }
        head.poolings = try poolings(config, place: place)
      case "Dense":
        guard !head.poolings.isEmpty, let config = try folder.json("\(module.path)/config.json")
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
    let length = try length(folder)
    let prompts = try prompts(settings, place: folder.path)
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", architecture: .dense(head),
      similarity: try similarity(settings, place: folder.path), roles: [:],
      evidence: ["modules.json: Transformer, \(names)"])
    description.prompts = prompts
    let fallback = settings?["default_prompt_name"]?.string.flatMap { prompts[$0] } ?? ""
    description.roles = [
      .query: RoleSettings(maximumLength: length, prompt: prompts["query"] ?? fallback),
      .doc: RoleSettings(
        maximumLength: length,
        prompt: prompts["document"] ?? prompts["passage"] ?? prompts["corpus"] ?? fallback),
    ]
    return description
  }

  /// `pooling_mode` of version 5, or the classic flags; both may name several.
  private static func poolings(_ config: JSON, place: String) throws(Failure) -> [Pooling] {
    if config["include_prompt"]?.bool == false {
      throw .config(place, "include_prompt false is not supported")
    }
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

  private static func projection(
    _ config: JSON, _ path: String, place: String
  ) throws(Failure) -> ModelDescription.Projection {
    guard let outputs = config["out_features"]?.integer else {
      throw .config(place, "out_features: expected an integer")
    }
    let activation = config["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
    return .init(
      folder: path, name: "linear", outputs: outputs, hasBias: config["bias"]?.bool ?? true,
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

  /// What `similarity_fn_name` says; cosine where it says nothing, as the library does.
  private static func similarity(_ settings: JSON?, place: String) throws(Failure) -> Similarity {
    switch settings?["similarity_fn_name"]?.string {
    case nil, "cosine": .cosine
    case "dot", "dot_product": .dot
    case "euclidean": .l2
    case .some(let name): throw .config(place, "similarity_fn_name \(name) is not supported")
    }
  }

  private static func prompts(
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
