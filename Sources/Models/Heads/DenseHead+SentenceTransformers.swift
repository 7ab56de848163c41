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
    let (folder, modules) = (source.folder, source.heads)
    guard source.beginsWithTransformer else {
      let kind = source.modules.all.first?.kind ?? "nothing"
      throw .config(
        "\(folder.path)/modules.json", "expected a Transformer first, found \(kind)")
    }
    var head = Self(poolings: [], layers: [], normalizes: false)
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
        head.layers.append(
          .linear(try SentenceTransformersFolder.projection(config, module.path, place: place)))
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
      folder: folder, backboneType: folder.modelType ?? "none", head: head,
      similarity: try source.similarity(default: .cosine), roles: [:],
      evidence: ["modules.json: Transformer, \(names)"])
    try source.addRoles(to: &description)
    return description
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
}
