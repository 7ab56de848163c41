import Autograd
import Failures
import JSON
import Tensors

/// The CrossEncoder of sentence-transformers: a classifier of transformers with one label, or modules
/// of its own behind a transformer (`cross_encoder/model.py`).
extension MonoHead.Settings {
  package static func describe(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription? {
    let folder = source.folder
    let isClassifier =
      source.transformer?.task == .classes
      || (source.heads.isEmpty && source.transformer?.task == .features
        && folder.architectures.contains { $0.hasSuffix("ForSequenceClassification") })
    guard source.modules.routes == nil, isClassifier || source.modelType == "CrossEncoder" else {
      return nil
    }
    if source.transformer?.task == .answers { return try answers(source) }
    if !isClassifier { return try modules(source) }
    if let module = source.heads.first {
      throw source.unsupported(module, " in a cross-encoder")
    }
    let labels = try PlainFolder.labelCount(folder)
    guard labels == 1 else {
      throw .config(folder.path, "a cross-encoder with \(labels) labels gives no ranking score")
    }
    var description = try PlainFolder.classifier(
      folder, evidence: "modules.json: a CrossEncoder of sentence-transformers")
    try addPair(source, &description)
    return description
  }

  /// A language model, and the module that compares what it gives for two tokens.
  private static func answers(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription {
    let folder = source.folder
    guard source.heads.map(\.kind) == ["LogitScore"] else {
      let kinds = source.modules.all.map(\.kind).joined(separator: ", ")
      throw .config(folder.path, "modules \(kinds) in a cross-encoder are not supported")
    }
    let config = try source.requiredConfiguration(of: source.heads[0])
    try config.require("module_input_name", "causal_logits")
    guard let yes = try config.integer("true_token_id", in: FieldRanges.token) else {
      throw config.invalid("true_token_id", expected: "an integer")
    }
    let no = try config.integer("false_token_id", in: FieldRanges.token)
    let (activation, why) = try PlainFolder.crossEncoderActivation(folder)
    var settings = Self(
      pooling: .last, hasPooler: false, hasBias: false, scoring: no == nil ? .rank : .mono,
      naming: .transformers, activation: activation, cutsTextsFirst: false)
    settings.answers = (yes, no)
    settings.reading.chat = try ChatTemplate(folder)
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: settings, similarity: .dot,
      roles: [:],
      evidence: ["modules.json: a language model and LogitScore, a CrossEncoder", why])
    try addPair(source, &description)
    return description
  }

  /// A transformer, a pooling, and layers the last of which gives the score.
  private static func modules(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription {
    let folder = source.folder
    guard source.beginsWithTransformer, let last = source.heads.last, last.kind == "Dense" else {
      let kind = (source.heads.last ?? source.modules.all.first)?.kind ?? "nothing"
      throw .config(folder.path, "module \(kind) in a cross-encoder is not supported")
    }
    var dense = DenseHead.Settings(poolings: [], layers: [], normalizes: false)
    for module in source.heads.dropLast() { try dense.add(module, source) }
    let (scores, input) = try source.projection(last, writing: "scores")
    guard scores.outputs == 1 else {
      throw .config(
        folder.path,
        "a cross-encoder with \(scores.outputs ?? 0) labels gives no ranking score")
    }
    guard dense.poolings.count == 1, dense.tokenLayers.isEmpty, dense.layerMean == nil,
      dense.poolsPrompt, input == .text,
      scores.activation == "Identity", !scores.hasResidual
    else {
      throw .config(
        folder.path,
        "expected one Pooling and layers behind it, the last with the activation_function "
          + "Identity, found others")
    }
    let (activation, why) = try PlainFolder.crossEncoderActivation(folder)
    var settings = Self(
      pooling: dense.poolings[0], hasPooler: false, hasBias: scores.bias == .required,
      scoring: .rank, naming: .transformers, activation: activation, cutsTextsFirst: false)
    settings.modules = dense.layers + [.linear(scores)]
    let kinds = source.modules.all.map(\.kind).joined(separator: ", ")
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none", head: settings, similarity: .dot,
      roles: [:], evidence: ["modules.json: \(kinds), a CrossEncoder", why])
    try addPair(source, &description)
    return description
  }

  /// Length and prompt of pairs: the prompt stands in front of the query.
  private static func addPair(
    _ source: SentenceTransformersFolder, _ description: inout ModelDescription
  ) throws(Failure) {
    guard let transformer = source.transformer else { return }
    guard transformer.addsSpecialTokens, transformer.expansion == nil else {
      throw .config(
        source.folder.path,
        "pairs without special tokens, or with query_expansion, are not supported")
    }
    // The description has read it.
    _ = try source.settings?.string("activation_fn")
    if source.settings?.value("similarity_fn_name") != nil {
      source.settings?.note("similarity_fn_name", "of models that give vectors")
    }
    for (role, name) in [(Role.query, "query_length"), (.doc, "document_length")]
    where transformer.lengths[role] != nil {
      description.withoutEffect.append("\(name) (pairs have one length)")
    }
    description.prompts = try source.prompts()
    description.roles[.pair] = RoleSettings(
      maximumLength: transformer.length,
      prompt: try source.defaultPrompt(description.prompts) ?? "")
  }
}
