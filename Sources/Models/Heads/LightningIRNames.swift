extension ModelDescription {
  /// Layers of the head as the folder's checkpoint calls them, and as Lightning IR does; none where
  /// the names are the same.
  package var headLayerNames: [(stored: String, lightningIR: String)] {
    var names: [(String, String)] = []
    switch architecture {
    case .splade(let settings):
      guard settings.namesOfHead == .transformers, let head = family?.languageModel?.names
      else { return [] }
      let own = HeadNames.lightningIRLanguageModels[0]
      names = [(head.dense, own.dense), (head.norm, own.norm)]
      for tensor in head.biases + [head.decoder] {
        guard let dot = tensor.lastIndex(of: ".") else { continue }
        names.append((String(tensor[..<dot]), "projection.decoder"))
      }
    case .mono(let settings):
      guard settings.namesOfHead == .transformers, let head = family?.classifier
      else { return [] }
      let own = HeadNames.lightningIRClassifier
      names = [(head.pooler, own.pooler), (head.outputs, own.outputs)]
    case .dense(let settings):
      let layers = settings.layers.compactMap { layer in
        if case .linear(let projection) = layer { projection } else { nil }
      }
      names = layers.prefix(1).map { ($0.place.path, "projection") }
    case .multiVector(let settings):
      names = settings.projections.prefix(1).map { ($0.place.path, "projection") }
    case .viewers(let settings):
      names = settings.projection.map { [($0.place.path, "projection")] } ?? []
    case .uniCoil(let settings): names = [(settings.projection.place.path, "token_projection")]
    case .coil(let settings):
      names = [
        (settings.cls.place.path, "cls_projection"),
        (settings.tokens.place.path, "token_projection"),
      ]
    }
    return names
  }
}

extension WeightPlace {
  /// What training calls the weights there, but for `.weight` and `.bias`.
  fileprivate var path: String { source.isEmpty ? name : "\(source)/\(name)" }
}
