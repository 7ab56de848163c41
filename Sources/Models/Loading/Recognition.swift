import Autograd
import Failures
import JSON
import Streams
import Tensors

extension ModelDescription {
  /// Recognises what a folder holds.
  ///
  /// - Throws: 78 where the folder leaves two readings, with how to choose, or is of a kind that is
  ///   not supported.
  package init(recognizing folder: ModelFolder) throws(Failure) {
    self = try Self.recognized(folder)
    for (role, settings) in roles { try settings.checkFilling(role, at: folder.configPlace) }
    if folder.hasOwnAdapter {
      evidence.append("adapter_config.json: an adapter beside the weights, which is added to them")
    }
  }

  private static func recognized(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    if LightningIRFolder.isNative(folder) {
      return try LightningIRFolder.describe(folder, folder.modelType ?? "")
    }
    let known = try KnownCheckpoint.find(folder)
    let asked = folder.overriddenKeys.contains("model_type") ? folder.modelType : nil
    if let known, asked == nil || asked == known.row.modelType || asked == known.row.ownModelType {
      return try LightningIRFolder.describe(folder, known.row, because: known.evidence)
    }
    if let asked, M3Folder.file(of: asked) == nil {
      return try LightningIRFolder.describe(folder, asked)
    }
    var description: Self
    if let asked {
      description = try LightningIRFolder.describe(folder, asked)
    } else if WholeFile.exists(folder.path + "/modules.json") {
      description = try SentenceTransformersFolder.describe(folder)
    } else {
      description = try PlainFolder.describe(folder)
    }
    try description.override()
    return description
  }
}

/// Checkpoints of transformers that no framework for ranking wrote.
enum PlainFolder {
  static func describe(_ folder: ModelFolder) throws(Failure) -> ModelDescription {
    let architecture = folder.architectures.first ?? "none"
    if let description = try Model2VecFolder.describe(folder) { return description }
    if !M3Folder.modelTypes(in: folder).isEmpty { return try M3Folder.dense(folder) }
    if architecture.hasSuffix("ForSequenceClassification") {
      let labels = try labelCount(folder)
      if labels == 1 {
        return try classifier(
          folder, evidence: "config.json: architectures is \(architecture) with one label")
      }
      throw .config(
        folder.path, "a classifier with \(labels) labels: which one is relevance?",
        hint:
          #"for a monoBERT say --model-config '{"model_type":"mono","scoring_strategy":"mono"}'"#)
    }
    if architecture.hasSuffix("ForCausalLM") {
      throw .config(
        folder.path, "\(architecture) may be a dense model, a SPLADE or a bare language model",
        hint: #"say --model-config '{"model_type":"lir-dpr","pooling_strategy":"last","#
          + #""projection":null}' for a dense model, '{"model_type":"splade"}' for a SPLADE, "#
          + #"'{"model_type":"mono","answer_recipe":"qwen3-reranker"}' for a reranker, or "#
          + #"'{"checkpoint":"Qwen/Qwen3-Embedding-0.6B"}' and the like"#)
    }
    if architecture.hasSuffix("ForMaskedLM") {
      throw .config(
        folder.path, "\(architecture) may be a SPLADE model or a bare language model",
        hint: #"for a SPLADE model say --model-config '{"model_type":"splade"}'"#)
    }
    if folder.backbone(folder.modelType)?.family.answersInWords == true,
      architecture.hasSuffix("ForConditionalGeneration")
    {
      throw .config(
        folder.path, "\(architecture) may be a monoT5, a RankT5 or a bare language model",
        hint: #"say --model-config '{"model_type":"mono","scoring_strategy":"mono"}' for a "#
          + #"monoT5, with "rank" for a RankT5"#)
    }
    throw .config(
      folder.path,
      "model_type \(folder.modelType ?? "none") with architecture \(architecture) does not say how "
        + "texts become vectors",
      hint: #"for a dense model say --model-config '{"model_type":"lir-dpr","#
        + #""pooling_strategy":"mean","projection":null}' (or first, last, max, sum)"#)
  }

  /// `num_labels`, or the size of `id2label`; transformers' default is 2.
  static func labelCount(_ folder: ModelFolder) throws(Failure) -> Int {
    if let labels = folder.config["id2label"]?.members { return labels.count }
    return try folder.integer("num_labels", in: FieldRanges.labels, default: 2)
  }

  /// A sequence classifier as sentence-transformers' CrossEncoder runs it.
  static func classifier(
    _ folder: ModelFolder, evidence: String
  ) throws(Failure) -> ModelDescription {
    let (activation, why) = try crossEncoderActivation(folder)
    let settings = MonoHead.Settings(
      pooling: try classifierPooling(folder), hasPooler: true, hasBias: true, scoring: .rank,
      naming: .transformers, activation: activation, cutsTextsFirst: false)
    return ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: settings,
      similarity: .dot,
      roles: [.pair: RoleSettings(maximumLength: try SentenceTransformersFolder.length(folder))],
      evidence: [evidence, why])
  }

  /// Pooling of transformers' classifier: the family's, unless a field names another.
  static func classifierPooling(_ folder: ModelFolder) throws(Failure) -> Pooling {
    let classifier = folder.backbone(folder.originalModelType)?.family.classifier
    return try classifier?.poolingField?.pooling(folder).pooling ?? classifier?.pooling ?? .first
  }

  /// The activation of sentence-transformers' CrossEncoder: what a configuration names, else
  /// sigmoid for one label.
  ///
  /// `cross_encoder/CrossEncoder.py`, `get_default_activation_fn`.
  static func crossEncoderActivation(
    _ folder: ModelFolder
  ) throws(Failure) -> (ScoreActivation, String) {
    let settings = try folder.rootJSON("config_sentence_transformers.json")
    let candidates = [
      ("config_sentence_transformers.json: activation_fn", settings?["activation_fn"]),
      (
        "config.json: sentence_transformers.activation_fn",
        folder.config["sentence_transformers"]?["activation_fn"]
      ),
      (
        "config.json: sbert_ce_default_activation_function",
        folder.config["sbert_ce_default_activation_function"]
      ),
    ]
    for (place, value) in candidates {
      guard let name = value?.string else { continue }
      switch name.split(separator: ".").last {
      case "Sigmoid": return (.sigmoid, "\(place) is \(name)")
      case "Identity": return (.logit, "\(place) is \(name)")
      default: throw .config(folder.path, "\(place): \(name) is not supported")
      }
    }
    return (.sigmoid, "one label without activation_fn: sigmoid, as sentence-transformers does")
  }
}
