import Autograd
import Failures
import JSON
import Tensors
import Vectors

/// ColBERT models of PyLate: a Transformer, Dense layers over its tokens, and the settings of
/// queries and documents in `config_sentence_transformers.json` (`pylate/models/colbert.py`).
extension MultiVectorHead.Settings {
  package static func describe(
    _ source: SentenceTransformersFolder
  ) throws(Failure) -> ModelDescription? {
    let isEncoder =
      source.modelType == "MultiVectorEncoder"
      || source.modules.all.contains { $0.kind == "MultiVectorMask" }
    if isEncoder { return try describeEncoder(source) }
    guard source.beginsWithTransformer, let settings = source.settings,
      source.modelType == "ColBERT" || settings.peek("query_prefix") != nil
    else { return nil }
    return try describe(source, settings)
  }

  private static func describe(
    _ source: SentenceTransformersFolder, _ settings: SettingsFile
  ) throws(Failure) -> ModelDescription {
    var layers: [HeadLayerSettings] = []
    var ignored: [String] = []
    for module in source.heads {
      guard module.kind == "Dense" else {
        ignored.append("modules.json: \(module.kind) (PyLate takes Transformer and Dense alone)")
        continue
      }
      // PyLate's module reads tokens whatever its configuration says.
      layers.append(.linear(try source.projection(module, reading: .tokens).layer))
    }
    if source.transformer?.expansion != nil {
      throw .config(source.folder.path, "query_expansion of the Transformer is not PyLate's")
    }
    layers.append(.normalize)
    var interaction = LateInteraction()
    // PyLate's own default, also for folders that do not say it.
    let words = try settings.strings("skiplist_words")
    interaction.masked[.doc] = words.map { .words($0) } ?? .punctuationWords
    if words?.isEmpty == true { interaction.masked[.doc] = nil }
    let folder = source.folder
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none",
      head: Self(layers: layers, interaction: interaction, retrieval: try retrieval(folder)),
      similarity: .dot, roles: [:],
      evidence: [
        settings.peek("query_prefix") != nil
          ? "config_sentence_transformers.json: query_prefix, a ColBERT model of PyLate"
          : "config_sentence_transformers.json: model_type ColBERT, a model of PyLate"
      ])
    description.withoutEffect = ignored
    // PyLate knows one similarity, whatever the name that is saved.
    settings.ignore("similarity_fn_name", "truncate_dim")
    source.transformer?.noteLength()
    description.prompts = try source.prompts()
    let prompt = try source.defaultPrompt(description.prompts, ["query", "document"]) ?? ""
    var (query, doc) = (try query(settings, prompt), try doc(settings, prompt))
    // Its release of sentence-transformers (5.3) strips texts, which later ones do not.
    (query.trims, doc.trims) = (true, true)
    description.roles = [.query: query, .doc: doc]
    return description
  }

  private static func query(
    _ settings: SettingsFile, _ prompt: String
  ) throws(Failure) -> RoleSettings {
    let expands = try settings.bool("do_query_expansion", default: true)
    let isAttended = try settings.bool("attend_to_expansion_tokens")
    return RoleSettings(
      maximumLength: try settings.integer("query_length") ?? 32, prompt: prompt,
      inserted: try prefix("query_prefix", settings, "[Q] "),
      filling: expands ? .mask(isAttended: isAttended) : .none)
  }

  private static func doc(
    _ settings: SettingsFile, _ prompt: String
  ) throws(Failure) -> RoleSettings {
    RoleSettings(
      maximumLength: try settings.integer("document_length") ?? 180, prompt: prompt,
      inserted: try prefix("document_prefix", settings, "[D] "))
  }

  /// The token of a role, which is none only where the folder says so.
  private static func prefix(
    _ key: String, _ settings: SettingsFile, _ fallback: String
  ) throws(Failure) -> [InsertedToken] {
    let name = try settings.string(key) ?? fallback
    return name.isEmpty ? [] : [InsertedToken(name)]
  }
}
