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
    guard source.beginsWithTransformer, let settings = source.settings,
      settings["query_prefix"] != nil, source.heads.allSatisfy({ $0.kind == "Dense" })
    else { return nil }
    return try describe(source.folder, source.heads, settings)
  }

  private static func describe(
    _ folder: ModelFolder, _ modules: [SentenceTransformersModules.Module], _ settings: JSON
  ) throws(Failure) -> ModelDescription {
    var projections: [Projection] = []
    for module in modules {
      let place = "\(folder.path)/\(module.path)/config.json"
      guard let config = try folder.rootJSON("\(module.path)/config.json") else {
        throw .config(place, "the Dense module has no configuration")
      }
      if config["use_residual"]?.bool == true {
        throw .config(place, "use_residual is not supported")
      }
      projections.append(
        try SentenceTransformersFolder.projection(config, module.path, place: place))
    }
    var interaction = LateInteraction()
    if let words = settings["skiplist_words"]?.array?.compactMap(\.string), !words.isEmpty {
      interaction.masked[.doc] = .words(words)
    }
    var description = ModelDescription(
      folder: folder, backboneType: folder.modelType ?? "none",
      head: Self(projections: projections, normalizes: true, interaction: interaction),
      similarity: .dot, roles: [:],
      evidence: ["config_sentence_transformers.json: query_prefix, a ColBERT model of PyLate"])
    description.prompts = try SentenceTransformersFolder.prompts(settings, place: folder.path)
    description.roles = [.query: try query(folder, settings), .doc: try doc(folder, settings)]
    return description
  }

  private static func query(
    _ folder: ModelFolder, _ settings: JSON
  ) throws(Failure) -> RoleSettings {
    let expands = settings["do_query_expansion"]?.bool ?? true
    return RoleSettings(
      maximumLength: settings["query_length"]?.integer ?? 32,
      inserted: prefix(settings["query_prefix"]),
      filling: expands
        ? .mask(isAttended: settings["attend_to_expansion_tokens"]?.bool ?? false) : .none)
  }

  private static func doc(
    _ folder: ModelFolder, _ settings: JSON
  ) throws(Failure) -> RoleSettings {
    RoleSettings(
      maximumLength: settings["document_length"]?.integer ?? 180,
      inserted: prefix(settings["document_prefix"]))
  }

  private static func prefix(_ value: JSON?) -> [InsertedToken] {
    guard let name = value?.string, !name.isEmpty else { return [] }
    return [InsertedToken(name)]
  }
}
